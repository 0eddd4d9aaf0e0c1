"""The volumes that an evaluation reads: prepared on the way, or from a folder of prepared slices."""

from pathlib import Path

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.task import Task

from ..training.prepare import prepare_volume, read_manifest
from ..training.prepared import load_prepared


def prepared_volumes(data, split, contrast=None, skull_strip="auto", task=None):
    """Volumes of one split, one after the other, without what surrounds the brain: the paper's protocol.

    Args:
        data: folder with a manifest.csv and the volumes that it names, which are prepared
            here, or a folder of ``charmssr prepare``.
        split: "train", "val" or another word of the manifest.
        contrast: only this contrast; None for all.
        skull_strip: backend for the volumes that are not stripped.
        task: Task, told before each volume; None for nobody's.

    Yields:
        PreparedVolume, one per volume and plane.

    Raises:
        InputError: when the folder holds no such volume.
    """
    data = Path(data)
    found = False
    source = _from_manifest if (data / "manifest.csv").is_file() else _from_prepared
    for volume in source(data, split, contrast, skull_strip, task or Task()):
        found = True
        yield volume
    if not found:
        wanted = f"split {split!r}" + (f" and contrast {contrast!r}" if contrast else "")
        raise InputError(
            f"{data} holds no volume of {wanted}. Give a folder with a manifest.csv, or one made by 'charmssr prepare'."
        )


def _from_manifest(data, split, contrast, skull_strip, task):
    rows = read_manifest(data / "manifest.csv")
    rows = [row for row in rows if row["split"] == split and contrast in (None, row["contrast"])]
    for number, row in enumerate(rows):
        task.tell(number / len(rows), f"Scoring {row['file']}")
        stripped = row.get("skull") == "stripped"
        image = read_volume(data / row["file"])
        prepared = prepare_volume(image, row["subject"], row["contrast"], row["split"], skull_strip, stripped)
        yield from (volume.stripped() for volume in prepared)


def _from_prepared(data, split, contrast, skull_strip, task):
    paths = sorted(data.glob("*.npz"))
    for number, path in enumerate(paths):
        volume = load_prepared(path)
        if volume.split == split and contrast in (None, volume.contrast):
            task.tell(number / len(paths), f"Scoring {path.name}")
            yield volume.stripped()


def first_planes(volumes):
    """Yield the first plane of every subject and contrast: axial for those that were sliced along three axes."""
    seen = set()
    for volume in volumes:
        key = volume.subject, volume.contrast
        if key not in seen:
            seen.add(key)
            yield volume


def one_plane_each(volumes):
    """As :func:`first_planes`, a list: enough to watch a training run by."""
    return list(first_planes(volumes))
