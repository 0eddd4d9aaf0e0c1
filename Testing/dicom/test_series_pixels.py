"""The rule by which float results become whole numbers; the report says what the rounding did."""

import numpy as np
import pytest

from Testing.dicom.hospital import read_back, voxels, write_series


def stored(folder):
    by_place = sorted(read_back(folder), key=lambda one: float(one.SliceLocation))
    return np.array([one.pixel_array for one in by_place]), by_place[0]


@pytest.mark.parametrize("highest", [900, 4000, 60000])
def test_unsigned_sources_keep_their_scale_without_rescale_factors(tmp_path, derive, highest):
    pixels = write_series(tmp_path / "in", voxels(highest=highest))
    made = derive(tmp_path / "in", tmp_path / "out", change=lambda array: array + 0.4)
    found, first = stored(tmp_path / "out")
    assert np.array_equal(found, pixels.repeat(2, 1).repeat(2, 2))
    assert (first.BitsAllocated, first.BitsStored, first.HighBit, first.PixelRepresentation) == (16, 16, 15, 0)
    assert "RescaleSlope" not in first and "RescaleIntercept" not in first
    report = made.series.report()["pixels"]
    assert report["type"] == "uint16" and report["factor"] == 1
    assert report["rounding_error"]["largest"] == pytest.approx(0.4, abs=0.01)
    assert report["rounding_error"]["rms"] == pytest.approx(0.4, abs=0.01)


def test_smallest_largest_and_window_are_those_of_the_images(tmp_path, derive):
    write_series(tmp_path / "in", tags=lambda k: {"WindowCenter": 400 + k, "WindowWidth": 800})
    derive(tmp_path / "in", tmp_path / "out")
    for one in read_back(tmp_path / "out"):
        assert one.SmallestImagePixelValue == one.pixel_array.min()
        assert one.LargestImagePixelValue == one.pixel_array.max()
        assert (one.WindowCenter, one.WindowWidth) == (408.5, 800)


def test_negative_values_that_the_source_does_not_have_become_0(tmp_path, derive):
    write_series(tmp_path / "in")
    made = derive(tmp_path / "in", tmp_path / "out", change=lambda array: array - 50)
    found, first = stored(tmp_path / "out")
    assert first.PixelRepresentation == 0 and found.min() == 0
    report = made.series.report()["pixels"]
    assert report["negative_set_to_0"] > 0 and report["rounding_error"]["largest"] < 1e-3


def test_a_source_with_negative_values_gives_signed_images(tmp_path, derive, dciodvfy):
    pixels = voxels().astype(np.int16) - 300
    write_series(tmp_path / "in", pixels)
    derive(tmp_path / "in", tmp_path / "out")
    found, first = stored(tmp_path / "out")
    assert first.PixelRepresentation == 1 and np.array_equal(found, pixels.repeat(2, 1).repeat(2, 2))
    assert dciodvfy(tmp_path / "out" / "IM0001.dcm") == []


def test_values_beyond_the_range_are_scaled_not_cut_off(tmp_path, derive):
    pixels = write_series(tmp_path / "in", voxels(highest=60000))
    made = derive(tmp_path / "in", tmp_path / "out", change=lambda array: array * 2)
    found, first = stored(tmp_path / "out")
    factor = made.series.report()["pixels"]["factor"]
    assert 0.4 < factor < 0.7 and f"multiplied by {factor:g}" in first.DerivationDescription
    assert np.abs(found / factor - 2.0 * pixels.repeat(2, 1).repeat(2, 2)).max() < 0.51 / factor
    assert first.WindowWidth == pytest.approx(900 * factor)


@pytest.mark.parametrize("slopes", [(0.25,), (0.25, 0.5)])
def test_rescale_factors_of_the_source_give_the_same_values_back(tmp_path, derive, dciodvfy, slopes):
    def tags(k):
        return {"RescaleSlope": slopes[k % len(slopes)], "RescaleIntercept": "0", "RescaleType": "US"}

    pixels = write_series(tmp_path / "in", tags=tags)
    derive(tmp_path / "in", tmp_path / "out", change=lambda array: array)
    found, first = stored(tmp_path / "out")
    wanted = pixels * np.array([slopes[k % len(slopes)] for k in range(len(pixels))])[:, None, None]
    values = found * float(first.RescaleSlope) + float(first.RescaleIntercept)
    assert np.array_equal(values, wanted.repeat(2, 1).repeat(2, 2))
    assert dciodvfy(tmp_path / "out" / "IM0001.dcm") == []
