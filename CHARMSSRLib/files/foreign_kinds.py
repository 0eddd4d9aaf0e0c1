"""Says what a file is that is no readable volume, and what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..errors import InputError
from .compressed import GZIP
from .header_checks import first_bytes
from .raw_header import reason_in_header

_PACKED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "ZIP",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7-Zip",
}
_ANNEX = "annex/objects"
_OTHER_PROGRAMS = {
    ".head": "AFNI's (convert it with 3dAFNItoNIFTI)",
    ".brik": "AFNI's (convert it with 3dAFNItoNIFTI)",
    ".par": "Philips' PAR/REC (convert it with dcm2niix)",
    ".rec": "Philips' PAR/REC (convert it with dcm2niix)",
    ".v": "a format of PET scanners",
    ".mif": "MRtrix's (convert it with mrconvert)",
    ".mif.gz": "MRtrix's (convert it with mrconvert)",
    ".vmr": "BrainVoyager's (export it as NIfTI)",
    ".gii": "GIFTI, which holds surfaces, not a volume",
}


def refuse_missing(path: Path) -> None:
    """Refuse a path at which nothing is, and say why nothing is there.

    Raises:
        InputError: always.
    """
    if os.path.islink(path):
        target = os.readlink(path)
        if _ANNEX in target.replace("\\", "/"):
            raise InputError(
                f"{path.name} is a link of git-annex (DataLad) whose content is not on this computer; "
                f"get it first (datalad get {path.name}, or git annex get {path.name})."
            )
        if _leads_to_itself(path):
            raise InputError(f"{path.name} is a link that leads back to itself; mend the link or give the file.")
        raise InputError(f"{path.name} is a link to {target}, which does not exist; mend the link or give the file.")
    raise InputError(f"There is no file or folder {path}; check the name.")


def _leads_to_itself(path):
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def refuse_pointer(path: Path, start: bytes) -> None:
    """Refuse small text files that stand for a large file elsewhere.

    Raises:
        InputError: it is a pointer of git-annex or Git LFS.
    """
    text = start[:400].decode("latin-1")
    if text.startswith("version https://git-lfs"):
        raise InputError(f"{path.name} is a pointer of Git LFS, not the volume itself; get it first (git lfs pull).")
    if text.startswith(("/annex/objects", "../.git/annex", ".git/annex")) or (len(start) < 400 and _ANNEX in text):
        raise InputError(
            f"{path.name} is a pointer of git-annex (DataLad), not the volume itself; get it first (datalad get, or "
            "git annex get)."
        )


def unreadable_reason(path: Path) -> str:
    """A clause that says why a file could not be read as a volume; empty when no reason is known."""
    try:
        start = first_bytes(path)
    except InputError:
        return "it is damaged"
    packed = next((name for mark, name in _PACKED.items() if start.startswith(mark)), None)
    if packed is not None:
        return f"it is packed with {packed} (unpack it first)"
    if start[:2] == GZIP:
        return "it was packed with gzip twice (unpack it once)"
    if start[:4] in (b"CDF\x01", b"CDF\x02"):
        return "it is a MINC1 (netCDF) file, which is not read here (convert it with mincconvert -2 or mnc2nii)"
    name = path.name.lower()
    for ending, program in _OTHER_PROGRAMS.items():
        if name.endswith(ending):
            return f"its format is {program}"
    if name.endswith(".hdr") and not path.with_suffix(".img").exists():
        return f"its data file {path.with_suffix('.img').name} is missing"
    if name.endswith((".img", ".img.gz")):
        header = path.name[: name.rindex(".img")] + ".hdr"
        if not any((path.parent / one).exists() for one in (header, f"{header}.gz")):
            return f"its header file {header} is missing"
    return reason_in_header(path, start)
