"""Human Connectome Project, Young Adult (HCP1200), 3T structural scans at 0.7 mm.

Two layouts, as the packages unpack: the unprocessed one (SUBJECT/unprocessed/3T/T1w_MPR1/
SUBJECT_3T_T1w_MPR1.nii.gz, T2w_SPC1/...; MPR2 and SPC2 where a first scan is missing) and the
pre-processed one (SUBJECT/T1w/T1w_acpc_dc_restore.nii.gz, T2w_acpc_dc_restore.nii.gz, or the same
with _brain). The 7T part of HCP holds functional and diffusion scans alone, no T1w or T2w.
"""

import re
from pathlib import Path

from .found import Found, Scan, add_complete, check_readable, nothing_found, volumes_below

UNPROCESSED = re.compile(r"(?P<subject>\d{6})_3T_(?P<kind>T1w_MPR|T2w_SPC)(?P<number>\d+)\.nii(\.gz)?")
PREPROCESSED = re.compile(r"(?P<contrast>T[12]w)_acpc_dc_restore(?P<brain>_brain)?\.nii(\.gz)?")
SUBJECT = re.compile(r"\d{6}")
# Large folders of HCP without structural scans in the head's own space.
PASSED_OVER = ("MNINonLinear", "Diffusion", "7T", "rfMRI*", "tfMRI*", "fsaverage*", "Native", "xfms", "Results")
LOOKED_FOR = (
    "SUBJECT/unprocessed/3T/T1w_MPR1/SUBJECT_3T_T1w_MPR1.nii.gz (T2w_SPC1 likewise), or"
    " SUBJECT/T1w/T1w_acpc_dc_restore.nii.gz (T2w likewise), with SUBJECT six digits"
)
LAYOUTS = {
    "unprocessed": "unprocessed (SUBJECT/unprocessed/3T/...)",
    "preprocessed": "pre-processed (SUBJECT/T1w/..._acpc_dc_restore)",
}
LABEL = "HCP-"  # before the number: a bare number says nothing in a table


def find_hcp(folder, contrasts):
    """The structural scans of HCP Young Adult below a folder; one layout serves all subjects.

    Args:
        folder: where the packages were unpacked.
        contrasts: those that every subject must have.

    Returns:
        Found.

    Raises:
        InputError: no such folder, or no structural scan of HCP in it.
    """
    check_readable(folder, "--hcp")
    folder = Path(folder).resolve()  # its own name may be the subject's
    layouts = {"unprocessed": {}, "preprocessed": {}}
    for path in volumes_below(folder, PASSED_OVER):
        _note(path, folder, layouts)
    if not any(layouts.values()):
        raise nothing_found(folder, "HCP Young Adult", LOOKED_FOR)
    complete = {
        layout: sum(all(one in own for one in contrasts) for own in subjects.values())
        for layout, subjects in layouts.items()
    }
    chosen = max(layouts, key=lambda layout: (complete[layout], len(layouts[layout]), layout == "unprocessed"))
    found = Found("hcp", "HCP", folder, LAYOUTS[chosen])
    candidates = {
        subject: {contrast: scan for contrast, (_, scan) in own.items()} for subject, own in layouts[chosen].items()
    }
    add_complete(found, candidates, contrasts)
    other = next(layout for layout in layouts if layout != chosen)
    if layouts[other]:
        found.notes.append(f"Scans of the {other} layout are there too ({len(layouts[other])} subjects); not used.")
    if chosen == "preprocessed":
        found.notes.append("These volumes were interpolated (AC-PC alignment, distortion correction): the unprocessed"
                           " ones are sharper and nearer to the paper's protocol.")  # fmt: skip
    return found


def _note(path, root, layouts):
    """Enter a file in its layout, if it is a structural scan; lower ranks win."""
    parts = UNPROCESSED.fullmatch(path.name)
    if parts:
        subject, contrast, rank, stripped = parts["subject"], parts["kind"][:3], int(parts["number"]), False
        layout = "unprocessed"
    else:
        parts = PREPROCESSED.fullmatch(path.name)
        above = path.relative_to(root.parent).parts[:-1]
        subjects = [one for one in above if SUBJECT.fullmatch(one)]
        if not parts or path.parent.name != "T1w" or not subjects:
            return
        stripped, layout = bool(parts["brain"]), "preprocessed"
        subject, contrast, rank = subjects[-1], parts["contrast"], int(stripped)
    own = layouts[layout].setdefault(LABEL + subject, {})
    if contrast not in own or rank < own[contrast][0]:
        own[contrast] = (rank, Scan(LABEL + subject, contrast, 3.0, path, stripped=stripped))
