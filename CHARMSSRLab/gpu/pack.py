"""Prepared slices <-> one small archive that can be taken to a machine with a GPU.

    python -m CHARMSSRLab.gpu.pack pack PREPARED TRAIN.pack --content train
    python -m CHARMSSRLab.gpu.pack pack PREPARED VAL.pack --content val
    python -m CHARMSSRLab.gpu.pack unpack TRAIN.pack FOLDER

PREPARED is a folder of ``charmssr prepare``. Every volume keeps its statistics exactly,
so the intensity scales don't change; its voxels become whole numbers on a grid of
2^bits - 1 steps up to the 99.9th percentile of its brain (nothing is clipped above it).
Eight bits put 0.11 % of the range on the training slices, a tenth of their own noise.

- ``train``: the training slices, every second one where they lie closer than 1.5 mm,
  and of every validation volume some slices of one plane to watch a run by (10 bits).
- ``val``: the validation volumes whole, in 9 bits, for scoring. 0.06 % of the range caps
  the PSNR at 65 dB, far above any network's.

An archive is a zip file of one entry per volume. It needs numpy alone.
"""

import argparse
import json
import lzma
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from CHARMSSRLib.files.atomic import replacing

from ..training.prepared import PreparedVolume, load_prepared, save_prepared
from .slice_coding import decode, encode

FORMAT = 2
LIMIT = 50 * 2**20  # bytes per archive
TRAIN_BITS, WATCH_BITS, VAL_BITS = 8, 10, 9
CLOSE_MM = 1.5  # neighbours closer than this show nearly the same
WATCHED_SLICES = 10


def chosen(volume, content, seen):
    """(volume, bits) as it goes into the archive, or None.

    Args:
        volume: PreparedVolume.
        content: "train" or "val".
        seen: set of (subject, contrast) of which slices to watch were taken; grows.
    """
    if content == "val":
        return (volume, VAL_BITS) if volume.split == "val" else None
    if volume.split == "train":
        step = 2 if volume.spacing[0] < CLOSE_MM else 1
        return _slices(volume, np.arange(0, len(volume.slices), step)), TRAIN_BITS
    if volume.split == "val" and (volume.subject, volume.contrast) not in seen:
        seen.add((volume.subject, volume.contrast))
        positions = np.unique(np.linspace(0.1, 0.9, WATCHED_SLICES) * (len(volume.slices) - 1)).astype(int)
        return _slices(volume, positions), WATCH_BITS
    return None


def _slices(volume, numbers):
    return replace(volume, slices=volume.slices[numbers], mask=volume.mask[numbers])


def encode_volume(volume, bits):
    """Bytes of one volume."""
    step = volume.percentile / (2**bits - 1)
    stack = np.round(volume.slices / step).astype(np.int32)
    labels = {key: value for key, value in asdict(volume).items() if key not in ("slices", "mask")}
    labels.update(format=FORMAT, step=step, shape=stack.shape)
    mask = lzma.compress(np.packbits(volume.mask).tobytes())
    labels["mask_bytes"] = len(mask)
    head = json.dumps(labels).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, mask, encode(stack, np.ones_like(volume.mask))])


def decode_volume(data):
    """The PreparedVolume of ``encode_volume``."""
    end = 8 + int.from_bytes(data[:8], "little")
    labels = json.loads(data[8:end])
    if labels.pop("format") != FORMAT:
        raise ValueError("the archive was made by another version: pack the slices again")
    shape, step = labels.pop("shape"), labels.pop("step")
    after = end + labels.pop("mask_bytes")
    bits = np.frombuffer(lzma.decompress(data[end:after]), np.uint8)
    mask = np.unpackbits(bits, count=int(np.prod(shape))).astype(bool).reshape(shape)
    labels["spacing"] = tuple(labels["spacing"])
    slices = decode(data[after:], np.ones_like(mask)) * step
    return PreparedVolume(slices=slices.astype(np.float32), mask=mask, **labels)


def pack(prepared, archive, content, limit=LIMIT):
    """Write an archive; it appears only when complete.

    Args:
        prepared: folder of ``charmssr prepare``.
        archive: file to write.
        content: "train" or "val".
        limit: bytes that it may have.

    Returns:
        number of volumes in it.

    Raises:
        ValueError: when the folder holds nothing of the kind, or the archive exceeds the limit.
    """
    archive, seen, count = Path(archive), set(), 0
    with replacing(archive) as partial:
        with zipfile.ZipFile(partial, "w") as file:
            for path in sorted(Path(prepared).glob("*.npz")):
                part = chosen(load_prepared(path), content, seen)
                if part is not None:
                    file.writestr(path.stem, encode_volume(*part))
                    count += 1
        size = partial.stat().st_size
        if not count or size > limit:
            problem = f"be {size / 2**20:.1f} MiB large" if count else f"be empty: {prepared} has no such volume"
            raise ValueError(f"{archive.name} would {problem}")
    return count


def read_archive(archive, processes=None):
    """All volumes of an archive, by the names of their files.

    Args:
        archive: file that :func:`pack` wrote.
        processes: that decode at a time; None for one per core.

    Returns:
        dict name -> PreparedVolume, in the order of the archive.
    """
    with zipfile.ZipFile(archive) as file:
        names = file.namelist()
        coded = [file.read(name) for name in names]
    if processes == 1:
        return dict(zip(names, map(decode_volume, coded)))
    with ProcessPoolExecutor(processes) as pool:
        return dict(zip(names, pool.map(decode_volume, coded)))


def unpack(archive, folder, processes=None):
    """Write the volumes of an archive as a folder of prepared slices; returns their number."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    volumes = read_archive(archive, processes)
    for name, volume in volumes.items():
        save_prepared(volume, folder / f"{name}.npz")
    return len(volumes)


def main():
    parser = argparse.ArgumentParser(description="Pack prepared slices for a machine with a GPU, or unpack them.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("pack", help="a folder of prepared slices into an archive")
    one.add_argument("prepared", type=Path)
    one.add_argument("archive", type=Path)
    one.add_argument("--content", choices=("train", "val"), required=True)
    other = commands.add_parser("unpack", help="an archive into a folder of prepared slices")
    other.add_argument("archive", type=Path)
    other.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "pack":
        count = pack(arguments.prepared, arguments.archive, arguments.content)
        print(f"{arguments.archive}: {count} volumes, {arguments.archive.stat().st_size / 2**20:.1f} MiB")
    else:
        print(f"{arguments.folder}: {unpack(arguments.archive, arguments.folder)} volumes")


if __name__ == "__main__":
    main()
