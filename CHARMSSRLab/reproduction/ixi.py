"""IXI: nearly 600 healthy heads of three London hospitals, https://brain-development.org/ixi-dataset.

The archives IXI-T1.tar and IXI-T2.tar unpack into flat folders of files such as
IXI002-Guys-0828-T1.nii.gz: subject, hospital, scan number, contrast.
"""

import re
from pathlib import Path

from .found import Found, Scan, add_complete, check_readable, nothing_found, volumes_below

NAME = re.compile(r"(?P<subject>IXI\d+)-(?P<site>[A-Za-z]+)-(?P<scan>\d+)-(?P<contrast>T[12])\.nii(\.gz)?")
FIELDS = {"HH": 3.0, "Guys": 1.5, "IOP": 1.5}  # Hammersmith; Guy's; Institute of Psychiatry
LOOKED_FOR = "files named like IXI002-Guys-0828-T1.nii.gz and IXI002-Guys-0828-T2.nii.gz (IXI-T1/, IXI-T2/)"


def find_ixi(folder, contrasts):
    """The scans of IXI below a folder.

    Args:
        folder: where the archives were unpacked.
        contrasts: those that every subject must have.

    Returns:
        Found.

    Raises:
        InputError: no such folder, or no file of IXI in it.
    """
    check_readable(folder, "--ixi")
    found = Found("ixi", "IXI", Path(folder), "IXI-T1/ and IXI-T2/ as distributed")
    candidates, twice = {}, 0
    for path in volumes_below(folder):
        parts = NAME.fullmatch(path.name)
        if not parts:
            continue
        contrast = f"{parts['contrast']}w"
        scan = Scan(parts["subject"], contrast, FIELDS.get(parts["site"]), path)
        own = candidates.setdefault(scan.subject, {})
        twice += contrast in own
        own.setdefault(contrast, scan)
    if not candidates:
        raise nothing_found(folder, "IXI", LOOKED_FOR)
    add_complete(found, candidates, contrasts)
    if twice:
        found.notes.append(f"{twice} further scans of subjects that have one already are passed over.")
    found.notes.append(
        "IXI mixes 1.5 T (Guys, IOP) and 3 T (HH). Slices are taken in the acquired plane, as in all of our tables."
    )
    return found
