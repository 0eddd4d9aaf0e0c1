"""What was found, and what would be done with it, in plain lines."""

import csv
import io

BYTES_PER_VOXEL = 8  # a training volume in memory: float32, float16 for the patches, its mask twice


def describe_set(found, split=None, scans=True):
    """Lines on one set: a line per subject and contrast, who is left out and why, notes.

    Args:
        found: Found.
        split: dict subject -> part, or None for pairs.
        scans: with the lines of the scans.
    """
    subjects = found.subjects
    lines = [f"{found.name}: {found.folder}", f"  layout: {found.layout}", f"  {len(subjects)} complete subjects"]
    if split is not None:
        counts = {part: sum(own == part for own in split.values()) for part in ("train", "val", "test")}
        lines[-1] += f", of these {counts['train']} train, {counts['val']} val, {counts['test']} test"
    for scan in found.scans if scans else ():
        if split is not None and scan.subject not in split:
            continue
        field = "field unknown" if scan.field is None else f"{scan.field:g}T"
        size, spacing = (" x ".join(f"{one:g}" for one in values) for values in (scan.size, scan.spacing))
        part = "" if split is None else f"  {split[scan.subject]}"
        lines.append(
            f"  {scan.subject}  {scan.contrast}  {field}  {size}  {spacing} mm{part}  {_relative(scan, found)}"
        )
    lines += [f"  left out: {what}: {reason}" for what, reason in found.left_out]
    return lines + [f"  note: {note}" for note in found.notes]


def scans_csv(sets, splits):
    """CSV text with a line per scan: set, subject, contrast, field, part (empty for pairs), path.

    Args:
        sets: dict key -> Found.
        splits: dict key -> dict subject -> part.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("set", "subject", "contrast", "field", "part", "path"))
    for key, found in sets.items():
        for scan in found.scans:
            part = splits[key].get(scan.subject, "not used") if key in splits else ""
            writer.writerow((key, scan.subject, scan.contrast, scan.field, part, scan.path))
    return buffer.getvalue()


def memory_needed(found, split, slices):
    """Bytes that the training volumes take, at most: ``slices`` slices of each scan's largest plane."""
    total = 0
    for scan in found.scans:
        if split.get(scan.subject) == "train":
            size = sorted(scan.size)
            total += size[1] * size[2] * min(slices, max(size))
    return total * BYTES_PER_VOXEL


def _relative(scan, found):
    try:
        return scan.path.relative_to(found.folder)
    except ValueError:
        return scan.path
