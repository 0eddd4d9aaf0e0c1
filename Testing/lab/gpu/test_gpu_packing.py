"""What travels to a machine with a GPU and back arrives as it was."""

import dataclasses

import numpy as np
import pytest

from CHARMSSRLab.gpu.pack import VAL_BITS, WATCHED_SLICES, decode_volume, encode_volume, pack, read_archive, unpack
from CHARMSSRLab.gpu.shards import join_file, split_file
from CHARMSSRLab.gpu.slice_coding import decode, encode
from CHARMSSRLab.training.prepared import PreparedVolume, load_prepared, save_prepared


def volume(split, subject="ds002748_a", contrast="T1w", n=24, spacing=(2.0, 1.0, 1.0), plane="axial", seed=0):
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:n, :40, :33]
    mask = ((y - 20) / 17) ** 2 + ((x - 16) / 14) ** 2 < 1
    slices = np.where(mask, 300 + 200 * np.sin(x / 5 + z) + rng.normal(0, 9, mask.shape), 0).astype(np.float32)
    slices[n // 2, 20, 16] = 2500  # a vessel far above the percentile
    inside = slices[mask]
    return PreparedVolume(
        slices, mask, float(inside.min()), float(inside.max()), float(np.percentile(inside, 99.9)), spacing,
        subject, contrast, split, plane,
    )  # fmt: skip


def test_coded_stacks_come_back_without_loss():
    rng = np.random.default_rng(1)
    for shape, largest in (((3, 7, 5), 32767), ((1, 1, 1), 3), ((2, 1, 9), 255), ((2, 9, 1), 255), ((5, 20, 31), 900)):
        mask = rng.random(shape) < 0.7
        stack = np.where(mask, rng.integers(0, largest + 1, shape), 0)
        assert np.array_equal(decode(encode(stack, mask), mask), stack)
    nothing = np.zeros((2, 4, 4), bool)
    assert np.array_equal(decode(encode(nothing.astype(int), nothing), nothing), nothing)


def test_coding_makes_smooth_slices_smaller_than_plain_compression():
    import lzma

    one = volume("train")
    stack = np.round(one.slices).astype(np.int32)
    assert len(encode(stack, one.mask)) < 0.9 * len(lzma.compress(stack.astype(np.uint16).tobytes()))


def test_a_packed_volume_keeps_statistics_and_mask_exactly_and_voxels_within_half_a_step():
    one = volume("val")
    back = decode_volume(encode_volume(one, VAL_BITS))
    for field in dataclasses.fields(PreparedVolume):
        if field.name not in ("slices", "mask"):
            assert getattr(back, field.name) == getattr(one, field.name), field.name
    assert np.array_equal(back.mask, one.mask)
    step = one.percentile / (2**VAL_BITS - 1)
    assert np.abs(back.slices - one.slices).max() <= 0.501 * step
    assert back.slices.max() > 2 * one.percentile  # what lies above the percentile is not clipped


@pytest.fixture
def prepared(tmp_path):
    folder = tmp_path / "prepared"
    folder.mkdir()
    volumes = {
        "a_axial": volume("train", seed=1),
        "b_axial": volume("train", "ARC_b", "T2w", spacing=(1.0, 1.0, 1.0), seed=2),
        "c_axial": volume("val", "ARC_c", seed=3),
        "c_sagittal": volume("val", "ARC_c", plane="sagittal", seed=4),
    }
    for name, one in volumes.items():
        save_prepared(one, folder / f"{name}.npz")
    return folder


def test_training_archives_thin_close_slices_and_watch_one_plane_of_each_validation_volume(prepared, tmp_path):
    assert pack(prepared, tmp_path / "train.pack", "train") == 3
    volumes = read_archive(tmp_path / "train.pack", processes=1)
    assert {name: len(one.slices) for name, one in volumes.items()} == {
        "a_axial": 24, "b_axial": 12, "c_axial": WATCHED_SLICES
    }  # fmt: skip
    original = load_prepared(prepared / "b_axial.npz")
    assert volumes["b_axial"].percentile == original.percentile
    assert np.abs(volumes["b_axial"].slices - original.slices[::2]).max() <= 0.51 * original.percentile / 255


def test_validation_archives_hold_the_validation_volumes_whole(prepared, tmp_path):
    pack(prepared, tmp_path / "val.pack", "val")
    assert unpack(tmp_path / "val.pack", tmp_path / "out", processes=1) == 2
    for name in ("c_axial", "c_sagittal"):
        back, original = load_prepared(tmp_path / "out" / f"{name}.npz"), load_prepared(prepared / f"{name}.npz")
        assert back.slices.shape == original.slices.shape and back.split == "val" and back.plane == original.plane
        assert np.abs(back.slices - original.slices).max() <= 0.52 * original.percentile / (2**VAL_BITS - 1)


def test_an_archive_above_the_limit_or_without_volumes_is_not_written(prepared, tmp_path):
    with pytest.raises(ValueError, match="MiB large"):
        pack(prepared, tmp_path / "train.pack", "train", limit=1000)
    with pytest.raises(ValueError, match="no such volume"):
        pack(tmp_path, tmp_path / "train.pack", "train")
    assert not list(tmp_path.glob("train.pack*"))


@pytest.mark.parametrize("size", [0, 1, 1000, 2500])
def test_a_file_in_pieces_comes_back_byte_by_byte(tmp_path, size):
    content = np.random.default_rng(size).bytes(size)
    (tmp_path / "state").write_bytes(content)
    files = split_file(tmp_path / "state", tmp_path / "pieces", "run.state", limit=1000)
    assert all(file.stat().st_size <= 1000 for file in files[:-1]) and len(files) == -(-size // 1000) + 1
    assert join_file(tmp_path / "pieces", "run.state", tmp_path / "new" / "state")
    assert (tmp_path / "new" / "state").read_bytes() == content


def test_pieces_of_an_earlier_longer_file_do_not_stay(tmp_path):
    for size in (3000, 900):
        (tmp_path / "state").write_bytes(b"x" * size)
        split_file(tmp_path / "state", tmp_path / "pieces", "run.state", limit=1000)
    assert sorted(file.name for file in (tmp_path / "pieces").iterdir()) == ["run.state.000", "run.state.shards.json"]


def test_a_damaged_or_missing_piece_is_refused(tmp_path):
    (tmp_path / "state").write_bytes(bytes(2500))
    pieces = tmp_path / "pieces"
    split_file(tmp_path / "state", pieces, "s", limit=1000)
    (pieces / "s.001").write_bytes(b"\1" * 1000)
    with pytest.raises(ValueError, match=r"s\.001 is missing or damaged"):
        join_file(pieces, "s", tmp_path / "back")
    (pieces / "s.001").unlink()
    with pytest.raises(ValueError, match=r"s\.001 is missing or damaged"):
        join_file(pieces, "s", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert not join_file(pieces, "other", tmp_path / "back")
