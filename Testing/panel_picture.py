"""Draws the panel in the stand-in after the real worker has enhanced a scan, and the two volumes beside it.

``python Testing/panel_picture.py SCAN [PICTURE]``, run from the root. The panel lives in the test host.
"""

import sys
from pathlib import Path

PYTHON = sys.executable  # the host empties it, as Slicer does
REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

PANEL_WIDTH, SCALE = 430, 1.5
GAP = 12
BACKGROUND, TEXT = (30, 30, 34), (235, 235, 235)
PATIENCE_S = 1800


def main(scan, path):
    from PIL import Image

    from Testing.host import start

    host = start(moduleFolder=REPOSITORY / "CHARMSSR", slicerPython=PYTHON)
    import slicer

    panel = host.openModule("CHARMSSR")
    source = slicer.util.loadVolume(str(scan))
    host.processEvents(0.5)
    panel.ui.enhanceButton.click()
    if not host.waitUntil(lambda: panel.job is None, seconds=PATIENCE_S):
        raise SystemExit(f"The panel was not done after {PATIENCE_S} s.")
    result = slicer.util.getNode("* CHARMS x*")
    panel_file = path.with_suffix(".tmp.png")
    host.grab(panel, str(panel_file), width=PANEL_WIDTH, scale=SCALE)
    with Image.open(panel_file) as picture:
        shown = picture.convert("RGB")
    panel_file.unlink()
    side = (shown.height - GAP) // 2
    views = [host.slicePicture(node, "Axial", size=(side, side), zoomTo=source) for node in (source, result)]
    names = [node.GetName() for node in (source, result)]
    host.stop()
    compose(shown, views, names).quantize(256).save(path, optimize=True)


def compose(panel, views, names):
    """The panel on the left, the views one above the other on the right."""
    from PIL import Image, ImageDraw, ImageFont

    side = views[0].shape[0]
    picture = Image.new("RGB", (panel.width + GAP + side, panel.height), BACKGROUND)
    picture.paste(panel, (0, 0))
    pen = ImageDraw.Draw(picture)
    for number, (view, name) in enumerate(zip(views, names)):
        corner = (panel.width + GAP, number * (side + GAP))
        picture.paste(Image.fromarray(view), corner)
        pen.text((corner[0] + 14, corner[1] + 10), name, fill=TEXT, font=ImageFont.load_default(20))
    return picture


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    main(arguments[0], arguments[1] if len(arguments) > 1 else REPOSITORY / "Testing" / "output" / "panel.png")
