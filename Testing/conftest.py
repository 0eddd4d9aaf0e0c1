"""Fixtures that every suite shares: real volumes where there are any, and a phantom head everywhere."""

import locale
import os
from pathlib import Path

# One thread per process, set before torch and ITK are loaded: the tests are small,
# and machines that run them are often busy.
for _variable in ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
    os.environ.setdefault(_variable, "1")

import pytest
import SimpleITK as sitk

from Testing.phantom import phantom_head_and_brain

REPOSITORY = Path(__file__).resolve().parent.parent
_LOCALE = locale.setlocale(locale.LC_ALL)  # asked, not set


def shared_data_folder():
    """Folder with ``volumes/`` and ``odd/``: $CHARMSSR_DATA, else beside the clone, else None."""
    named = os.environ.get("CHARMSSR_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(autouse=True)
def _same_locale():
    """Some libraries set the process's locale to C when they are used; what comes after is not to feel it."""
    if locale.setlocale(locale.LC_ALL) != _LOCALE:
        locale.setlocale(locale.LC_ALL, _LOCALE)


@pytest.fixture(scope="session")
def repository():
    """Root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the real volumes; tests that ask for it are skipped where there is none."""
    folder = shared_data_folder()
    if folder is None:
        pytest.skip("needs real volumes: set CHARMSSR_DATA to a folder with volumes/, or put it at ../shared/data")
    return folder


@pytest.fixture(scope="session")
def volume_path(shared_data):
    """Function: name of a real volume ("ds002748_sub-01_T1w" or "odd/shear.nii.gz") -> its path."""

    def find(name):
        candidates = [shared_data / name, shared_data / "volumes" / name, shared_data / "volumes" / f"{name}.nii.gz"]
        for candidate in candidates:
            if candidate.exists():
                return candidate
        pytest.skip(f"the data folder {shared_data} has no volume {name}")

    return find


@pytest.fixture(scope="session")
def _phantom():
    return phantom_head_and_brain()


@pytest.fixture
def phantom_head(_phantom):
    """T1w-like whole head of 96 x 96 x 48 voxels (SimpleITK order), float32; free to be changed."""
    return sitk.Image(_phantom[0])


@pytest.fixture
def phantom_brain(_phantom):
    """True brain mask of ``phantom_head``, UInt8."""
    return sitk.Image(_phantom[1])
