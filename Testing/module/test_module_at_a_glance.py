"""The panel in the application's own size: a dock of 299 points, window 1280 x 900, help above, Data Probe below."""

import pytest

DOCK = 299


@pytest.fixture
def window(slicerHost):
    """The main window in the application's own size."""
    import slicer

    return slicer.util.mainWindow()


@pytest.fixture
def panel(slicerModule, fakeWorker, head):
    """Function: the opened panel with a worker in the given mode."""

    def openPanel(mode="normal"):
        fakeWorker(mode)
        widget = slicerModule.openModule("CHARMSSR")
        assert slicerModule.waitUntil(lambda: widget.logic.worker.state != "starting", 300)
        slicerModule.processEvents(0.1)
        return widget

    return openPanel


def run(slicerModule, panel, until=lambda job: False):
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None or until(panel.job), 300)
    slicerModule.processEvents(0.2)


def inSight(window, widget):
    """Whether a widget lies wholly inside the visible part of the module panel."""
    import qt

    viewport = window._hostScroll.viewport()
    corner = widget.mapTo(viewport, qt.QPoint(0, 0))
    return widget.visible and corner.y() >= 0 and corner.y() + widget.height <= viewport.height


def labels(panel):
    """All labels that can be seen, of the panel and of the rows of pairs."""
    return [label for label in panel.parent.findChildren("QLabel") if label.visible and label.text]


def cutTexts(panel):
    """Texts of visible widgets that have no room for them."""
    cut = [label.text for label in labels(panel)
           if label.wordWrap and label.height < label.heightForWidth(label.width)]  # fmt: skip
    cut += [label.text for label in labels(panel) if not label.wordWrap and label.width < label.sizeHint.width() - 1]
    # Qt 5 draws the text of a closed list as far as it goes, without dots.
    lists = [each for each in panel.parent.findChildren("QComboBox") if each.visible and each.objectName]
    cut += [each.currentText for each in lists
            if each.width < each.fontMetrics().horizontalAdvance(each.currentText) + 24]  # fmt: skip
    for kind in ("QPushButton", "QCheckBox"):
        cut += [each.text for each in panel.parent.findChildren(kind)
                if each.visible and each.width < each.fontMetrics().horizontalAdvance(each.text)]  # fmt: skip
    return cut


def everythingOpen(slicerModule, panel):
    """Open all sections, with two pairs of which one has something to say."""
    for name in ("result", "model", "slices", "preprocessing", "advanced", "fineTune"):
        getattr(panel.ui, name + "CollapsibleButton").collapsed = False
    panel.fineTunePanel.ui.moreCollapsibleButton.collapsed = False
    panel._parameterNode.noise = 30
    for _ in range(2):
        panel.fineTunePanel.table.add()
    slicerModule.processEvents(0.2)


def test_what_a_first_enhancement_needs_is_seen_without_scrolling(slicerModule, panel, window):
    opened = panel("slow")
    ui = opened.ui
    assert window._hostDock.width == DOCK
    assert all(inSight(window, each) for each in (ui.inputSelector, ui.gridLabel, ui.enhanceButton))
    headers = (ui.modelCollapsibleButton, ui.slicesCollapsibleButton, ui.preprocessingCollapsibleButton)
    assert all(inSight(window, each) for each in (*headers, ui.advancedCollapsibleButton))
    run(slicerModule, opened, until=lambda job: job.fraction > 0.1)
    assert all(inSight(window, each) for each in (ui.enhanceButton, ui.progressBar, ui.statusLabel))
    assert "slice" in ui.statusLabel.text and "left" in ui.statusLabel.text
    ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: opened.job is None, 300)


def test_an_error_stands_under_the_button_and_in_sight(slicerModule, panel, window):
    opened = panel("is killed")
    run(slicerModule, opened)
    assert inSight(window, opened.ui.messageFrame) and inSight(window, opened.ui.enhanceButton)
    assert cutTexts(opened) == []


def test_the_result_and_its_buttons_are_in_sight_when_it_comes(slicerModule, panel, window):
    opened = panel("warns")
    run(slicerModule, opened)
    ui = opened.ui
    assert not ui.resultCollapsibleButton.collapsed
    assert all(inSight(window, each) for each in (ui.statusLabel, ui.resultLabel, ui.compareButton, ui.showMapButton))


def test_folded_sections_tell_what_is_chosen_inside(slicerModule, panel, head):
    from CHARMSSRModule.parameter_node import DataConsistency, Planes

    opened = panel()
    ui, parameters = opened.ui, opened._parameterNode
    assert ui.modelCollapsibleButton.text == "Model: CHARMS x2, clinical"
    assert ui.slicesCollapsibleButton.text == "Slices: As acquired"
    assert ui.preprocessingCollapsibleButton.text == "Preprocessing: N4, deepbet mask"
    assert ui.advancedCollapsibleButton.text == "Advanced: all automatic"
    assert ui.resultCollapsibleButton.text == "Result: none yet"
    parameters.planes, parameters.maps = Planes.THREE, True
    parameters.biasCorrection, parameters.skullStrip, parameters.keepSkull = False, "none", True
    parameters.dataConsistency = DataConsistency.PROJECT
    assert ui.slicesCollapsibleButton.text == "Slices: All three, fused, with maps"
    assert ui.preprocessingCollapsibleButton.toolTip == "<p>Preprocessing: no N4, no mask, whole head</p>"
    assert ui.advancedCollapsibleButton.text == "Advanced: Correct the result"


def test_a_header_that_is_too_long_ends_in_dots_and_its_tool_tip_has_the_whole(slicerModule, panel, head):
    opened = panel()
    import slicer

    mask = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "A mask with quite a long name of its own")
    opened._parameterNode.maskNode = mask
    section = opened.ui.preprocessingCollapsibleButton
    assert section.text.endswith("…") and section.toolTip.endswith("quite a long name of its own</p>")
    assert section.fontMetrics().horizontalAdvance(section.text) < section.width


def test_names_of_volumes_are_shown_as_they_are(slicerModule, panel, head, fakeWorker):
    import qt

    head.SetName("T1 & <b>T2</b> {x} %s")
    opened = panel()
    ui = opened.ui
    ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: opened.job is None, 300)
    name = opened._parameterNode.resultVolume.GetName()
    assert name == "T1 & <b>T2</b> {x} %s CHARMS x2"
    assert ui.resultCollapsibleButton.text.replace("&&", "&").startswith("Result: T1 & <b>T2")
    assert "T1 &amp; &lt;b&gt;T2&lt;/b&gt; {x} %s" in ui.resultLabel.text
    for button in (ui.compareButton, ui.flipButton, ui.resultCollapsibleButton):
        assert "T1 &amp; &lt;b&gt;T2&lt;/b&gt; {x} %s" in button.toolTip
    for label in (ui.gridLabel, ui.scanLabel, ui.scanWarningLabel, ui.statusLabel, ui.messageLabel):
        assert label.textFormat == qt.Qt.PlainText


def test_a_long_name_of_a_model_ends_in_dots_and_is_whole_in_the_popup_and_the_tool_tip(slicerModule, panel, models):
    import json

    name = "Our hospital's 7T model of the spring campaign 2026, T1w, second try"
    card = json.loads((models / "mine-7t.json").read_text(encoding="utf-8"))
    (models / "mine-7t.json").write_text(json.dumps({**card, "title": name}), encoding="utf-8")
    opened = panel()
    ui, parameters = opened.ui, opened._parameterNode
    ui.modelCollapsibleButton.collapsed = False
    parameters.checkpoint = "mine-7t"
    slicerModule.processEvents(0.2)
    box = ui.checkpointComboBox
    assert box.currentText.startswith("Our hospital") and box.currentText.endswith("…") and cutTexts(opened) == []
    assert "second try" in box.toolTip and box.itemData(box.currentIndex) == "mine-7t"
    assert box.view().minimumWidth > box.fontMetrics().horizontalAdvance(name)
    parameters.checkpoint = "mine"
    slicerModule.processEvents(0.2)
    assert name in [box.itemText(index) for index in range(box.count)]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("dock", [DOCK, 420, 600])
def test_nothing_is_cut_and_the_dock_keeps_its_width_with_every_section_open(
    slicerModule, panel, pairs, window, dock, dark
):
    slicerModule.useStyle(dark)
    opened = panel("warns")
    run(slicerModule, opened)
    everythingOpen(slicerModule, opened)
    opened.ui.figuresButton.checked = True
    window._hostResize(dock)
    slicerModule.processEvents(0.3)
    assert window._hostDock.width == dock
    assert cutTexts(opened) == []


def test_nothing_is_cut_in_a_language_with_longer_words_and_every_text_is_translated(slicerHost, models, request):
    import sys

    from Testing.host.translation import CLOSING, OPENING, madeUpLanguage

    def forget():
        for name in [name for name in sys.modules if name.split(".")[0] in ("CHARMSSR", "CHARMSSRModule")]:
            del sys.modules[name]

    forget()  # texts of a module are translated when it is imported
    try:
        with madeUpLanguage(0.4):
            slicerModule = request.getfixturevalue("slicerModule")
            request.getfixturevalue("fakeWorker")("normal")
            request.getfixturevalue("pairs")
            opened = slicerModule.openModule("CHARMSSR")
            assert slicerModule.waitUntil(lambda: opened.logic.worker.state != "starting", 300)
            run(slicerModule, opened)
            everythingOpen(slicerModule, opened)
            import slicer

            assert slicer.util.mainWindow()._hostDock.width == DOCK
            assert cutTexts(opened) == []
            texts = [each.text for kind in ("QPushButton", "QCheckBox", "QLabel", "ctkCollapsibleButton")
                     for each in opened.parent.findChildren(kind)]  # fmt: skip
            texts += [each.title for each in opened.parent.findChildren("QGroupBox")]
            texts += [each.toolTip for each in vars(opened.ui).values() if hasattr(each, "toolTip")]
            texts += [each.toolTip for each in vars(opened.fineTunePanel.ui).values() if hasattr(each, "toolTip")]
            words = [text for text in texts if any(map(str.isalpha, text)) and "\u2714" not in text]
            assert [text for text in words if not (OPENING in text and CLOSING in text)] == []
    finally:
        slicerHost.reset()
        forget()


def test_colours_of_signs_can_be_read_in_both_styles(slicerModule, panel):
    import qt
    import slicer

    opened = panel()
    from CHARMSSRModule.panel.colours import BAD, GOOD, WARNING, colour

    def luminance(shade):
        channels = [value / 255 for value in (shade.red(), shade.green(), shade.blue())]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for dark in (False, True):
        slicerModule.useStyle(dark)
        behind = luminance(slicer.app.palette().color(qt.QPalette.Window))
        for kind in (GOOD, WARNING, BAD):
            lighter, darker = sorted((luminance(qt.QColor(colour(kind))), behind), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (kind, dark)
    assert "gray" not in opened.ui.resultLabel.text


def test_the_list_of_maps_leaves_the_button_its_place(slicerModule, panel, window):
    opened = panel()
    opened._parameterNode.maps = True
    run(slicerModule, opened)
    opened.ui.showMapButton.click()
    slicerModule.processEvents(0.2)
    assert opened.ui.mapComboBox.visible and opened.ui.mapComboBox.width > 90
    assert cutTexts(opened) == [] and window._hostDock.width == DOCK
