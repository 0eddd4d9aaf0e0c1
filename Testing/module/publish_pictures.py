"""Copies the pictures of the panel that the documentation shows from Testing/output to Resources, made small.

Run the tests first (``python -m pytest Testing/module/test_module_pictures.py``), look at the pictures, then run
``python Testing/module/publish_pictures.py``.
"""

from pathlib import Path

from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
STATES = ("idle", "running", "done", "error", "no-torch")
WIDTH = 600
COLOURS = 64


def main():
    """Publish one picture per state, and the finished one as the catalogue's."""
    for state in STATES:
        picture = Image.open(REPOSITORY / "Testing" / "output" / f"panel-{state}.png").convert("RGB")
        height = round(picture.height * WIDTH / picture.width)
        small = picture.resize((WIDTH, height), Image.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)
        names = [f"panel-{state}.png"] + (["panel.png"] if state == "done" else [])
        for name in names:
            path = REPOSITORY / "Resources" / name
            small.save(path, optimize=True)
            print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
