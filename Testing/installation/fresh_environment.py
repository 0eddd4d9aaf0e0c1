"""A fresh environment with the default engine alone: what it takes on the disk, and that it enhances without torch.

    python Testing/installation/fresh_environment.py [--keep FOLDER]

Makes a virtual environment in a temporary folder, installs the package from this source tree as `pip install .` does,
enhances a small generated volume, and prints a table of what each package takes on the disk (as `du -m` counts). Not
a test of the suite: it fetches about 110 MB of wheels. Exit status 1 where torch is loaded or installed, or where it
takes more than MOST_MIB.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MOST_MIB = 580  # the figure and what it consists of: docs/studies/speed.md
SHOWN_MIB = 1

ENHANCED = """
import sys, numpy as np, SimpleITK as sitk
from CHARMSSRLib.cli import main
folder = sys.argv[1]
z, y, x = np.mgrid[:18, :40, :44]
head = ((y - 20) ** 2 + (x - 22) ** 2 < 200) * (500.0 + 200 * np.sin(x / 2) * np.cos(y / 3))
for name, array in (("scan", head.astype(np.float32)), ("mask", (head > 0).astype(np.uint8))):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.5, 1.5, 3.0))
    sitk.WriteImage(image, f"{folder}/{name}.nii.gz")
status = main(["enhance", f"{folder}/scan.nii.gz", f"{folder}/result.nii.gz", "--mask", f"{folder}/mask.nii.gz",
               "--report", f"{folder}/report.json"])
loaded = sorted({"torch", "matplotlib", "pydicom"} & set(sys.modules))
sys.exit(status or (f"loaded: {loaded}" if loaded else 0))
"""


def main() -> int:
    """Install, enhance, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="make the environment there and leave it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary) / "environment"
        venv.create(folder, with_pip=True, clear=asked.keep is None)
        python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-cache-dir"]
        # A copy: pip builds where the sources are, and leaves there what it made.
        source = Path(temporary) / "source"
        shutil.copytree(REPOSITORY, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__"))
        subprocess.run([*pip, source], check=True)
        done = subprocess.run([python, "-c", ENHANCED, temporary], cwd=temporary, check=False)
        if done.returncode:
            print("The enhancement failed, or loaded what it must not.", file=sys.stderr)
            return 1
        report = json.loads((Path(temporary) / "report.json").read_text(encoding="utf-8"))
        return _judged(folder, report)


def _judged(folder, report):
    packages = next(folder.glob("[Ll]ib*/**/site-packages"))
    sizes = {one.name: _mebibytes(one) for one in packages.iterdir()}
    whole = _mebibytes(folder)
    print("   MiB  package")
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
        if size >= SHOWN_MIB:
            print(f"{size:6.1f}  {name}")
    print(f"{whole:6.1f}  in all; at most {MOST_MIB} are allowed. Enhanced with {report['engine']['name']}.")
    if "torch" in sizes or report["engine"]["name"] != "ncnn" or whole > MOST_MIB:
        print("That is not what an installation is to be.", file=sys.stderr)
        return 1
    return 0


def _mebibytes(path):
    """What ``du`` says, each file once."""
    blocks = {}
    for one in [path, *path.rglob("*")] if path.is_dir() else [path]:
        status = one.lstat()
        blocks[status.st_dev, status.st_ino] = getattr(status, "st_blocks", -(-status.st_size // 512)) * 512
    return sum(blocks.values()) / 2**20


if __name__ == "__main__":
    sys.exit(main())
