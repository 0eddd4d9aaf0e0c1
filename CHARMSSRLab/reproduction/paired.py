"""Sets of paired 3T and 7T scans: PTT1 and PTT2 of the CHARMS paper, or any others.

PTT1 (the BNU set of other papers): Chu et al., Scientific Data 12:260 (2025), 20 heads, Beijing.
PTT2 (the UNC set): Chen et al., Scientific Data 10:489 (2023), 10 heads, North Carolina.

Subject, contrast and field strength are read from the names of files and folders (BIDS or not) and
from BIDS sidecars. Public code that reads PTT2 shows sub-XX/ses-1 (3T) and sub-XX/ses-2 (7T); where
nothing else tells the field, session 1 is taken for 3T and session 2 for 7T, and the listing says so.
"""

import json
import re
from pathlib import Path

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.fine_tuning.pairs.pair import Pair
from CHARMSSRLib.fine_tuning.pairs.pair_checks import swap_suspicion

from .found import Found, Scan, check_readable, nothing_found, volumes_below, with_header

NAMES = {"ptt1": "PTT1", "ptt2": "PTT2"}
LOOKED_FOR = (
    "NIfTI files whose names or folders tell subject, contrast (T1w, T2w) and field (3T, 7T, a sidecar's"
    " MagneticFieldStrength, or ses-1 and ses-2), such as sub-01/ses-2/anat/sub-01_ses-2_T1w.nii.gz"
)
_START, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
CONTRAST = {
    "T1w": re.compile(_START + r"(?:T1w?|MP2?RAGE)" + _END, re.IGNORECASE),
    "T2w": re.compile(_START + r"(?:T2w?|T2space|TSE)" + _END, re.IGNORECASE),
}
FIELD = {tesla: re.compile(rf"(?<![A-Za-z0-9.]){tesla}(?:\.0)?T(?:esla)?(?![A-Za-z0-9])", re.I) for tesla in (3, 7)}
SESSION = {3: re.compile(_START + r"ses-?0*1" + _END, re.I), 7: re.compile(_START + r"ses-?0*2" + _END, re.I)}
BIDS_SUBJECT = re.compile(_START + r"(sub-[A-Za-z0-9]+)", re.IGNORECASE)
PLAIN_SUBJECT = re.compile(_START + r"(?:subject|subj|sub|s)[_-]?(\d+)", re.IGNORECASE)
NO_SCAN = re.compile(
    _START + r"(?:FLAIR|T2starw?|SWI|PDw?|bold|rest|rfmri|fmri|dwi|dti|asl|fmap|epi|sbref|mra|inv-?\d"
    r"|\w*mask|d?seg|segmentations?|labels?|hippo_label|aseg)" + _END, re.IGNORECASE,
)  # fmt: skip
# Copies that somebody moved onto another grid; the scan itself is taken where it is there too.
DERIVED = re.compile(
    _START + r"(?:aligned|alignment|reg|registered|registration|coreg\w*|warped|norm\w*|MNI\w*|preproc\w*|processed"
    r"|resampled|interp\w*|delineation|derivatives|space-\w+)" + _END, re.IGNORECASE,
)  # fmt: skip
RUN = re.compile(_START + r"run-?0*(\d+)", re.IGNORECASE)


def find_paired(key, folder, contrasts):
    """The 3T/7T pairs below a folder.

    Args:
        key: "ptt1" or "ptt2".
        folder: where the set was unpacked.
        contrasts: those that are wanted; a subject with a pair in one of them only is used for that one.

    Returns:
        Found, with a 3T and a 7T scan for each pair.

    Raises:
        InputError: no such folder, or no pair in it.
    """
    check_readable(folder, f"--{key}")
    folder, scans, guessed = Path(folder).resolve(), [], 0
    for path in volumes_below(folder):
        scan, by_session = _recognise(path, folder)
        if scan is not None and scan.contrast in contrasts:
            scans.append(scan)
            guessed += by_session
    found = Found(key, NAMES[key], folder, "names of files and folders")
    if not scans:
        raise nothing_found(folder, f"paired 3T and 7T volumes ({NAMES[key]})", LOOKED_FOR)
    add_pairs(found, scans, folder)
    if not found.scans:
        reasons = "; ".join(f"{what}: {reason}" for what, reason in found.left_out[:3])
        raise InputError(
            f"{folder} holds {len(scans)} scans but no 3T/7T pair ({reasons}). Name the field strengths (3T, 7T) in"
            " files or folders, or describe the pairs with --layout FILE.csv."
        )
    if guessed:
        found.notes.append("Nothing but the session number tells the field strength of"
                           f" {guessed} scans: ses-1 is taken for 3T, ses-2 for 7T.")  # fmt: skip
    return found


def add_pairs(found, scans, folder):
    """Fill ``found`` with the pairs among the scans; of several copies of a scan the plainest is taken."""
    chosen, passed_over = {}, 0
    for scan in sorted(scans, key=lambda one: _rank(one.path, folder)):
        fields = chosen.setdefault((scan.subject, scan.contrast), {})
        passed_over += scan.field in fields
        fields.setdefault(scan.field, scan)
    for (subject, contrast), fields in sorted(chosen.items()):
        missing = [f"{tesla}T" for tesla in (3, 7) if tesla not in fields]
        if missing:
            found.left_out.append((f"{subject} {contrast}", f"no {' and no '.join(missing)} scan"))
            continue
        try:
            pair = [with_header(fields[tesla]) for tesla in (3, 7)]
        except InputError as error:
            found.left_out.append((f"{subject} {contrast}", str(error)))
            continue
        found.scans += pair
    if passed_over:
        found.notes.append(f"{passed_over} further copies of scans are passed over.")
    aligned = sum(1 for scan in found.scans if _is_derived(scan.path, folder))
    if aligned:
        found.notes.append(f"{aligned} scans are copies that were aligned or processed before; where the untouched ones"
                           " can be had, take those: an interpolated 3T is no measured input.")  # fmt: skip
    swapped = [pair for pair in pairs_of(found) if swap_suspicion(*_spacings(found, pair))]
    if swapped:
        found.notes.append(f"The 7T of {swapped[0].subject} {swapped[0].contrast} ({len(swapped)} pairs in all) is"
                           " coarser than its 3T: check which is which.")  # fmt: skip


def pairs_of(found, contrast=None):
    """The pairs of a found set as the fine-tuning takes them, by subject: list of Pair with paths."""
    by_name = {}
    for scan in found.scans:
        by_name.setdefault((scan.subject, scan.contrast), {})[scan.field] = scan.path
    return [
        Pair(subject, own, paths[3], paths[7])
        for (subject, own), paths in sorted(by_name.items())
        if contrast in (None, own)
    ]


def _spacings(found, pair):
    spacing = {scan.path: scan.spacing for scan in found.scans}
    return spacing[pair.image_3t], spacing[pair.image_7t]


def _recognise(path, root):
    """(Scan or None, whether only its session tells the field)."""
    parts = [*path.relative_to(root).parts[:-1], path.name.partition(".nii")[0]]
    subject, contrast = _subject(parts), _deepest(parts, CONTRAST)
    if subject is None or contrast is None or any(NO_SCAN.search(part) for part in parts):
        return None, False
    tesla = _sidecar_field(path) or _deepest(parts, FIELD)
    by_session = tesla is None
    if by_session:
        tesla = _deepest(parts, SESSION)
    return (Scan(subject, contrast, tesla, path), by_session) if tesla else (None, False)


def _deepest(parts, patterns):
    """The one key whose pattern the deepest telling part matches; None where none does, or two do."""
    for part in reversed(parts):
        hits = [key for key, pattern in patterns.items() if pattern.search(part)]
        if hits:
            return hits[0] if len(hits) == 1 else None
    return None


def _subject(parts):
    for pattern in (BIDS_SUBJECT, PLAIN_SUBJECT):
        for part in reversed(parts):
            match = pattern.search(part)
            if match:
                return match[1] if pattern is BIDS_SUBJECT else f"sub-{match[1]}"
    return None


def _sidecar_field(path):
    """3 or 7 by a BIDS sidecar beside the file; None where there is none that says so."""
    try:
        about = json.loads(path.with_name(path.name.partition(".nii")[0] + ".json").read_text(encoding="utf-8"))
        tesla = float(about["MagneticFieldStrength"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next((known for known in (3, 7) if abs(tesla - known) < 0.5), None)


def _is_derived(path, root):
    # With the root's own name: somebody may point at the folder of the copies.
    return path.is_relative_to(root) and bool(DERIVED.search(str(Path(root.name) / path.relative_to(root))))


def _rank(path, root):
    """Lower is better: the scan itself before copies, the first run before later ones."""
    run = RUN.search(path.name)
    return _is_derived(path, root), int(run[1]) if run else 0, len(path.parts), str(path)
