"""Draws Resources/panel-maps.png: what *Compare side by side* shows of a scan that was enhanced with its maps.

    python Testing/module/maps_picture.py SCAN OFFSET [PICTURE]

enhances the scan in the real panel, with the real worker, and takes the slice views at OFFSET (mm along the slices'
normal): input, result, and the result under each of its maps. The bars hold the maps' colours and ranges; in Slicer
they are legends within the views.
"""

import sys
from pathlib import Path

PYTHON = sys.executable  # the host empties it, as Slicer does
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

PATIENCE_S = 3600
SIDE = 360  # pixels of a view
MARGIN = 1.15  # the views show this much of the brain's extent
BAR_WIDTH, BAR_HEIGHT, FOOT = 200, 12, 44


def main(scan, offset, path):
    """Enhance the scan, take the views, draw them in a row."""
    from Testing.host import start

    host = start(moduleFolder=REPOSITORY / "CHARMSSR", slicerPython=PYTHON)
    import slicer

    panel = host.openModule("CHARMSSR")
    source = slicer.util.loadVolume(str(scan))
    panel.ui.inputSelector.setCurrentNode(source)
    panel.ui.mapsCheckBox.click()
    host.processEvents(0.5)
    panel.ui.enhanceButton.click()
    if not host.waitUntil(lambda: panel.job is None, seconds=PATIENCE_S):
        raise SystemExit(f"The panel was not done after {PATIENCE_S} s.")
    result = panel._parameterNode.resultVolume
    if result is None:
        raise SystemExit(panel.ui.messageLabel.text or panel.ui.statusLabel.text)
    panel.ui.compareButton.click()
    zoomToBrain(result, offset)
    tiles = [(source.GetName(), host.viewPicture("Red", (SIDE, SIDE)), None)]
    tiles.append((result.GetName(), host.viewPicture("Yellow", (SIDE, SIDE)), None))
    for index in range(panel.ui.mapComboBox.count):
        panel.ui.mapComboBox.setCurrentIndex(index)
        host.processEvents(0.2)
        mapNode = panel.logic.mapNodes(result)[panel.ui.mapComboBox.itemData(index)]
        title = panel.ui.mapComboBox.itemText(index)
        tiles.append((title, host.viewPicture("Green", (SIDE, SIDE)), colorBar(mapNode)))
    picture = compose(tiles)
    host.stop()
    picture.quantize(256).save(path, optimize=True)


def zoomToBrain(result, offset):
    """Let the three views show the brain's extent in the slice at ``offset`` mm."""
    import numpy as np
    import slicer
    from CHARMSSRModule.scene.geometry import ijkToRasOfNode

    inside = np.argwhere(slicer.util.arrayFromVolume(result) > 0)[:, ::-1]
    ijkToRas = ijkToRasOfNode(result)
    corners = np.array([inside.min(0), inside.max(0)]) @ ijkToRas[:3, :3].T + ijkToRas[:3, 3]
    for view in ("Red", "Yellow", "Green"):
        logic = slicer.app.layoutManager().sliceWidget(view).sliceLogic()
        node = logic.GetSliceNode()
        node.JumpSliceByCentering(*corners.mean(0))
        logic.SetSliceOffset(offset)
        toSlice = np.linalg.inv(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()))
        extent = MARGIN * np.abs(np.diff(corners @ toSlice[:3, :3].T, axis=0))[0, :2].max()
        node.SetDimensions(SIDE, SIDE, 1)
        node.SetFieldOfView(extent, extent, node.GetFieldOfView()[2])
        node.UpdateMatrices()


def colorBar(mapNode):
    """(RGB array of the bar, lowest, highest): the colours of a map over its range; black where it is transparent."""
    import numpy as np

    display = mapNode.GetDisplayNode()
    lowest, highest = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    table = display.GetColorNode().GetLookupTable()
    table = [table.GetTableValue(index) for index in range(table.GetNumberOfTableValues())]
    colors = np.array([np.array(entry[:3]) * (entry[3] > 0) for entry in table])
    chosen = np.linspace(0, len(colors) - 1, BAR_WIDTH).round().astype(int)
    return np.tile(np.uint8(255 * colors[chosen])[None], (BAR_HEIGHT, 1, 1)), lowest, highest


def compose(tiles):
    """Views side by side under their names, with the bars of the maps below."""
    from PIL import Image, ImageDraw, ImageFont

    from Testing.panel_picture import BACKGROUND, GAP, TEXT

    width = len(tiles) * (SIDE + GAP) - GAP
    picture = Image.new("RGB", (width, FOOT + SIDE + FOOT), BACKGROUND)
    pen, font, small = ImageDraw.Draw(picture), ImageFont.load_default(19), ImageFont.load_default(15)
    for number, (title, view, bar) in enumerate(tiles):
        left = number * (SIDE + GAP)
        picture.paste(Image.fromarray(view), (left, FOOT))
        pen.text((left + SIDE / 2, FOOT / 2), title, fill=TEXT, font=font, anchor="mm")
        if bar is None:
            continue
        colors, lowest, highest = bar
        start, middle = left + (SIDE - BAR_WIDTH) // 2, FOOT + SIDE + FOOT // 2
        picture.paste(Image.fromarray(colors), (start, middle - BAR_HEIGHT // 2))
        pen.text((start - 8, middle), f"{lowest:.0f}", fill=TEXT, font=small, anchor="rm")
        pen.text((start + BAR_WIDTH + 8, middle), f"{highest:.0f}", fill=TEXT, font=small, anchor="lm")
    return picture


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    target = Path(sys.argv[3]) if len(sys.argv) == 4 else REPOSITORY / "Resources" / "panel-maps.png"
    main(Path(sys.argv[1]), float(sys.argv[2]), target)
