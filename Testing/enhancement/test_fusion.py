"""The fusion of three planes on made-up volumes whose spectra are known."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from CHARMSSRLib.enhancement.fusion import (
    Fusion,
    disagreement,
    kept_share,
    plane_spectrum,
    plane_weight,
    volume_of,
)
from CHARMSSRLib.grids.resize import fourier_resize
from CHARMSSRLib.grids.stacks import band_limited, band_limited_stack, enlarged_mask, interpolated

SHAPE, SCALE = (10, 12, 9), 2
LARGE = tuple(SCALE * n for n in SHAPE)


def noise(shape=LARGE, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def wave(frequencies, shape=LARGE):
    """A product of cosines; a frequency of 1 is the input's Nyquist frequency."""
    volume = np.ones(shape, np.float32)
    for axis, frequency in enumerate(frequencies):
        place = (np.arange(shape[axis]) + 0.5) / shape[axis]
        along = [1, 1, 1]
        along[axis] = -1
        volume = volume * np.cos(np.pi * frequency * SHAPE[axis] * place).reshape(along).astype(np.float32)
    return volume


def fuse(volumes, method="spectrum"):
    fusion = Fusion(SHAPE, SCALE, method)
    for axis, volume in enumerate(volumes):
        fusion.add(axis, plane_spectrum(volume.copy()))
    return fusion.volume()


def test_the_spectrum_s_transform_is_undone():
    assert np.allclose(volume_of(plane_spectrum(noise())), noise(), atol=1e-5)


@pytest.mark.parametrize("method", ["spectrum", "mean"])
def test_equal_volumes_fuse_to_themselves(method):
    volume = noise()
    assert np.abs(fuse([volume] * 3, method) - volume).max() < 1e-5


def test_a_frequency_that_one_plane_resolves_comes_from_it():
    # Beyond the limit along axes 1 and 2: only the plane across axis 0 resolves it.
    seen = wave((0.5, 1.5, 4 / 3))
    nothing = np.zeros(LARGE, np.float32)
    assert np.abs(fuse([seen, nothing, nothing]) - seen).max() < 1e-5
    assert np.abs(fuse([nothing, seen, seen])).max() < 1e-5
    assert np.abs(fuse([seen, nothing, nothing], "mean") - seen / 3).max() < 1e-5


def test_a_frequency_that_two_planes_resolve_is_their_mean():
    seen = wave((0.5, 1.5, 1 / 3))
    assert np.abs(fuse([seen, noise(), 3 * seen]) - fuse([seen, 0 * seen, 3 * seen])).max() > 0.01
    other = wave((0.5, 1.5, 1 / 3))
    assert np.abs(fuse([seen, 7 * other, 3 * seen]) - 2 * seen).max() < 1e-5


def test_what_no_plane_resolves_is_the_plain_mean():
    corner = wave((1.5, 1.5, 4 / 3))
    assert np.abs(fuse([corner, 2 * corner, 6 * corner]) - 3 * corner).max() < 1e-5


def test_the_weight_falls_as_a_raised_cosine_from_eight_tenths_to_one():
    weight = plane_weight(400, 100)
    assert (weight[:81] == 1).all() and np.abs(weight[100:]).max() < 1e-7
    assert weight[90] == pytest.approx(0.5, abs=1e-6)
    assert weight[85] == pytest.approx(0.5 * (1 + np.cos(np.pi / 4)), abs=1e-6)


@pytest.mark.parametrize(
    "frequencies, kept",
    [((0.5, 0.25, 1 / 3), 2 / 3), ((0.5, 1.5, 1 / 3), 0.6), ((0.5, 1.5, 4 / 3), 0.6 * 0.75), ((0.0, 1.0, 0.0), 0.9)],
)
def test_what_lies_beyond_the_scan_s_band_is_taken_back_the_more_the_farther(frequencies, kept):
    # With each plane seeing it, the weighted mean is the wave itself: what is left is the share that is kept.
    seen = wave(frequencies)
    assert np.abs(fuse([seen] * 3, "shrunk") - kept * seen).max() < 1e-5


def test_the_share_that_is_kept_falls_from_nine_to_three_tenths():
    kept = kept_share(400, 200)
    assert (kept[:200] == 1).all() and kept[200] == pytest.approx(0.9) and kept[300] == pytest.approx(0.6)
    assert (np.diff(kept[200:]) < 0).all() and kept[-1] == pytest.approx(0.3, abs=0.01)


def test_a_plane_on_the_input_s_grid_across_its_slices_counts_as_its_band_limited_enlargement():
    small = noise((LARGE[0], SHAPE[1], LARGE[2]))
    others = noise(seed=1), noise(seed=2)
    expected = fuse([others[0], band_limited(small, LARGE[1], 1), others[1]])
    fusion = Fusion(SHAPE, SCALE, "spectrum")
    for axis, volume in enumerate((others[0], small, others[1])):
        fusion.add(axis, plane_spectrum(volume.copy()))
    assert np.abs(fusion.volume() - expected).max() < 1e-5


def test_an_unknown_fusion_is_an_error():
    with pytest.raises(ValueError, match="median"):
        Fusion(SHAPE, SCALE, "median")


def test_planes_that_agree_disagree_nowhere_and_a_blur_across_slices_is_no_disagreement():
    volume = noise()
    blurred = [band_limited(volume, SHAPE[p], p) for p in range(3)]
    apart = disagreement([(p, plane_spectrum(one)) for p, one in enumerate(blurred)], SHAPE, SCALE)
    assert apart.shape == LARGE and np.abs(apart).max() < 1e-5


def test_the_disagreement_is_the_standard_deviation_of_the_planes():
    seen = wave((0.5, 0.5, 1 / 3))
    gains = (1.0, 2.0, 4.5)
    apart = disagreement([(p, plane_spectrum(g * seen)) for p, g in enumerate(gains)], SHAPE, SCALE)
    assert np.allclose(apart, np.abs(seen) * np.std(gains, ddof=1), atol=1e-5)


@pytest.mark.parametrize("axis, size", [(0, 20), (1, 6), (2, 27), (2, 5)])
def test_band_limited_resizing_is_the_fourier_resizing_of_the_mirrored_array(axis, size):
    volume = torch.from_numpy(noise(SHAPE)).double()
    mirrored = torch.cat([volume, volume.flip(axis)], axis)
    expected = fourier_resize(mirrored, 2 * size, axis).narrow(axis, 0, size).numpy()
    assert np.allclose(band_limited(volume.numpy(), size, axis), expected, atol=1e-5)


def test_enlarging_a_stack_does_not_move_it():
    ramp = np.arange(24, dtype=np.float32)[:, None, None] + np.zeros((24, 4, 4), np.float32)
    expected = (np.arange(48) + 0.5) / 2 - 0.5
    cubic = interpolated(ramp, (2, 2, 2))
    smooth = band_limited_stack(ramp, (2, 2, 2))
    assert cubic.shape == smooth.shape == (48, 8, 8)
    # torch's cubic kernel bends a ramp by 3/64 of a step to either side, and does not shift it.
    error = cubic[4:-4, 4, 4] - expected[4:-4]
    assert np.abs(error).max() < 0.05 and abs(error.mean()) < 1e-4
    assert np.abs(smooth[:, 4, 4] - expected)[12:-12].max() < 0.02


def test_enlarged_masks_keep_their_size_and_place():
    mask = ellipsoid((64, 90, 84))
    for factors in ((1, 2, 2), (2, 2, 2), (4, 2, 2), (1, 4, 4)):
        large = enlarged_mask(mask, factors)
        assert large.shape == tuple(n * f for n, f in zip(mask.shape, factors))
        assert large.sum() == pytest.approx(mask.sum() * np.prod(factors), rel=0.01)
        for middle, own in zip(ndimage.center_of_mass(large), ndimage.center_of_mass(mask)):
            factor = factors[0] if middle == ndimage.center_of_mass(large)[0] else factors[1]
            assert (middle + 0.5) / factor == pytest.approx(own + 0.5, abs=0.02)
    whole = np.ones((4, 12, 12), bool)
    assert enlarged_mask(whole, (1, 2, 2)).all() and not enlarged_mask(~whole, (1, 2, 2)).any()


@pytest.mark.parametrize("factor", [2, 4])
def test_the_edge_of_an_enlarged_mask_is_smooth_at_the_fine_voxels(factor):
    mask = ellipsoid((3, 80, 96), flat=True)
    repeated = mask.repeat(factor, 1).repeat(factor, 2)
    truth = ellipsoid((3, 80 * factor, 96 * factor), flat=True)
    wrong = [(one != truth).sum() for one in (enlarged_mask(mask, (1, factor, factor)) > 0, repeated)]
    assert wrong[0] < 0.6 * wrong[1]


def ellipsoid(shape, flat=False):
    """Boolean: most of the middle of a volume, the same form on every grid; ``flat``: a cylinder's slices."""
    z, y, x = (np.linspace(-1, 1, n + 1)[:-1] + 1 / n for n in shape)
    height = 0 if flat else (z[:, None, None] / 0.8) ** 2
    return height + (y[:, None] / 0.75) ** 2 + (x / 0.7) ** 2 + np.zeros(shape) < 1
