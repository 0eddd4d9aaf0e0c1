"""The module's folder is on the path, as Slicer puts it there."""

import sys
from pathlib import Path

MODULE_FOLDER = Path(__file__).resolve().parents[2] / "CHARMSSR"
sys.path.insert(0, str(MODULE_FOLDER))
