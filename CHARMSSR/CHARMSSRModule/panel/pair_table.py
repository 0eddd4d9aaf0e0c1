"""The table of pairs in the panel: two lines per pair, a third one where there is something to say."""

from html import escape

import slicer
from slicer.i18n import tr as _

from ..scene.scan_pairs import CONTRASTS, ROLES, PairStore, suggestedPair
from .colours import BAD, GOOD, WARNING, colour
from .fitted_texts import FittedTexts, showText

READY, WARNED, REFUSED = "ready", "warned", "refused"
_SIGNS = {READY: ("\u2714", GOOD), WARNED: ("\u26a0", WARNING), REFUSED: ("\u2718", BAD)}

_TIPS = {
    "image3T": _("3T scan: the kind of scan that is to be enhanced"),
    "image7T": _("7T scan of the same person in the same contrast; where it lies does not matter"),
    "mask3T": _("Optional brain mask, drawn on the 3T scan; by default the brain is found automatically"),
}


class PairRow:
    """The widgets of one pair.

    ``onChange(key, field, value)`` is called for what the user changes, ``onRemove(key)`` for the row's button.
    """

    def __init__(self, key, uiPath, onChange, onRemove):
        self.key = key
        self._onChange = onChange
        self.widget = slicer.util.loadUI(uiPath)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._selectors = {
            "image3T": self.ui.image3TSelector,
            "image7T": self.ui.image7TSelector,
            "mask3T": self.ui.maskSelector,
        }
        self._fitted = FittedTexts()
        self._fitted.keepWhole(self.ui.reasonLabel)
        self._showing = True
        self.ui.contrastComboBox.addItems(list(CONTRASTS))
        self.widget.setMRMLScene(slicer.mrmlScene)
        for field, selector in self._selectors.items():
            selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda node, field=field: self._onNode(field, node))
        self.ui.subjectLineEdit.connect("textChanged(QString)", lambda text: self._changed("subject", text))
        self.ui.contrastComboBox.connect("currentIndexChanged(int)", self._onContrast)
        self.ui.removeButton.connect("clicked(bool)", lambda checked: onRemove(key))
        self._showing = False

    def show(self, pair):
        """Bring the widgets up to date with a ScanPair."""
        self._showing = True
        complete = pair.completed()
        for field, selector in self._selectors.items():
            if selector.currentNode() is not getattr(pair, field):
                selector.setCurrentNode(getattr(pair, field))
        if self.ui.subjectLineEdit.text != pair.subject:
            self.ui.subjectLineEdit.text = pair.subject
        self.ui.subjectLineEdit.placeholderText = complete.subject or _("Person")
        contrasts = self.ui.contrastComboBox
        if contrasts.findText(complete.contrast) < 0:  # a script has given another one
            contrasts.addItem(complete.contrast)
        contrasts.setCurrentIndex(contrasts.findText(complete.contrast))
        for field, selector in self._selectors.items():
            node = getattr(pair, field)
            named = f"<br><b>{escape(node.GetName())}</b>" if node is not None else ""
            selector.toolTip = _TIPS[field] + named
        self._showing = False

    def showState(self, state, text, figures=""):
        """A sign and, unless all is well, a sentence; ``figures`` are for the tool tip."""
        sign, kind = _SIGNS[state]
        self.ui.stateLabel.text = f'<b style="color:{colour(kind)}">{sign}</b>'
        titles = {READY: _("This pair can be used"), WARNED: _("This pair can be used, but"),
                  REFUSED: _("This pair can't be used")}  # fmt: skip
        parts = [titles[state] + (f": {escape(text)}" if text else ""), figures]
        self.ui.stateLabel.toolTip = "<br>".join(part for part in parts if part)
        showText(self.ui.reasonLabel, escape(text))
        self.ui.reasonLabel.toolTip = self.ui.stateLabel.toolTip

    def setEnabled(self, enabled):
        """A running fine-tuning has copies: its table is not to be changed meanwhile."""
        for control in (*self._selectors.values(), self.ui.subjectLineEdit, self.ui.contrastComboBox,
                        self.ui.removeButton):  # fmt: skip
            control.enabled = enabled

    def close(self):
        """Let go of the scene: Qt deletes the widgets later, and until then their selectors would follow it."""
        self._showing = True
        self.widget.hide()
        self.widget.setMRMLScene(None)
        self.widget.deleteLater()

    def _onNode(self, field, node):
        scene = slicer.mrmlScene
        # While a scene is read or closed the lists are in motion: the table keeps its references.
        if not (scene.IsBatchProcessing() or scene.IsClosing() or scene.IsImporting()):
            self._changed(field, node)

    def _onContrast(self, index):
        self._changed("contrast", self.ui.contrastComboBox.itemText(index))

    def _changed(self, field, value):
        if not self._showing:
            self._onChange(self.key, field, value)


class PairTable:
    """The rows in a layout, bound to the PairStore of a parameter node.

    ``onEdit()`` is called after the user has changed the table.
    """

    def __init__(self, layout, uiPath, onEdit):
        self._layout = layout
        self._uiPath = uiPath
        self._onEdit = onEdit
        self._store = None
        self.rows = {}

    def setNode(self, node):
        """Bind to a vtkMRMLScriptedModuleNode; None empties the table."""
        self._store = PairStore(node) if node is not None else None
        self.update()

    def pairs(self):
        """{key: ScanPair} in order."""
        return self._store.pairs() if self._store is not None else {}

    def update(self):
        """Make the widgets follow the store."""
        pairs = self.pairs()
        for key in [key for key in self.rows if key not in pairs]:
            row = self.rows.pop(key)
            self._layout.removeWidget(row.widget)
            row.close()
        for key, pair in pairs.items():
            if key not in self.rows:
                self.rows[key] = PairRow(key, self._uiPath, self._change, self._remove)
                self._layout.addWidget(self.rows[key].widget)
            self.rows[key].show(pair)

    def add(self):
        """Append a row, with scans whose names fit each other where there are some."""
        used = [getattr(pair, field) for pair in self.pairs().values() for field in ROLES]
        self._store.add(suggestedPair(used))
        self._onEdit()

    def clear(self):
        """Remove all rows."""
        for key in list(self._store.keys()):
            self._store.remove(key)
        self._onEdit()

    def forget(self, node):
        """A node is about to leave the scene: empty the places where it is."""
        for key, pair in self.pairs().items():
            for field in ROLES:
                if getattr(pair, field) is node:
                    self._store.change(key, field, None)
                    self.update()

    def _change(self, key, field, value):
        self._store.change(key, field, value)
        self._onEdit()

    def _remove(self, key):
        self._store.remove(key)
        self._onEdit()
