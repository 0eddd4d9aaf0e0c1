"""Folders as hospitals send them: what becomes a series, what is refused, and that nothing is written then."""

import copy

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import InputError
from Testing.dicom.hospital import (
    CORONAL,
    SAGITTAL,
    headers,
    item,
    read_back,
    series_uid,
    voxels,
    write_multi_frame,
    write_series,
)

JPEG_2000, NEAR_LOSSLESS = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.81"


def save_all(folder, datasets):
    folder.mkdir()
    for number, one in enumerate(datasets):
        one.save_as(folder / f"{number:03d}.dcm", enforce_file_format=True)


def echoes():
    """Two echoes at the same places in one series, as multi-echo sequences give them."""
    both = headers(voxels()) + headers(voxels(seed=4), tags=lambda k: {"EchoTime": "5.5", "EchoNumbers": 2})
    for number, one in enumerate(both):
        one.InstanceNumber, one.SOPInstanceUID = number + 1, f"{series_uid('echoes')}.{number}"
    return both


def echoes_in_one_object(path):
    write_multi_frame(path)
    whole = pydicom.dcmread(path)
    del whole.SharedFunctionalGroupsSequence[0].MREchoSequence
    frames = []
    for time in (3.0, 6.0):
        for frame in whole.PerFrameFunctionalGroupsSequence:
            frames.append(copy.deepcopy(frame))
            frames[-1].MREchoSequence = item(EffectiveEchoTime=time)
    whole.PerFrameFunctionalGroupsSequence, whole.NumberOfFrames = frames, len(frames)
    whole.PixelData = whole.PixelData * 2
    whole.save_as(path, enforce_file_format=True)


def with_a_localiser_inside(folder):
    """Three images of another orientation that call themselves images of the same series."""
    others = headers(voxels(3), orientation=SAGITTAL)
    for number, one in enumerate(others):
        one.InstanceNumber, one.SOPInstanceUID = 100 + number, f"{series_uid('inside')}.{number}"
    save_all(folder, headers(voxels()) + others)


def with_a_gap(folder):
    write_series(folder, voxels(20))
    sorted(folder.iterdir())[9].unlink()


def two_series(folder):
    write_series(folder, name="a", number=4)
    write_series(folder, voxels(seed=8), name="b", number=5)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda folder: save_all(folder, echoes()), "several kinds .echo time: 2.98 ms .18 images., 5.5 ms"),
        (lambda folder: echoes_in_one_object(folder / "a.dcm"), "echo time: 3 ms .18 images., 6 ms .18"),
        (two_series, "holds 2 image series .series 4 .* series 5"),
        (with_a_localiser_inside, "different sizes or orientations"),
        (with_a_gap, "missing or unevenly spaced"),
    ],
    ids=["echoes", "echoes in one object", "two series", "localiser inside", "gap"],
)
def test_what_is_no_single_volume_is_refused_and_nothing_written(tmp_path, derive, make, words):
    make(tmp_path / "in")
    with pytest.raises(InputError, match=words):
        derive(tmp_path / "in", tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["in"]


def test_of_several_series_the_named_one_is_taken(tmp_path, repeating, charmssr):
    two_series(tmp_path / "in")
    refused = charmssr("enhance", tmp_path / "in", f"{tmp_path}/out/")
    assert refused.status == 2 and "--series" in refused.err and not (tmp_path / "out").exists()
    assert charmssr("enhance", tmp_path / "in", f"{tmp_path}/out/", "--series", "5").status == 0
    found = read_back(tmp_path / "out")
    assert {one.SeriesNumber for one in found} == {9005}
    assert {one.SourceImageSequence[0].ReferencedSOPInstanceUID.rpartition(".")[0] for one in found} == {
        series_uid("b")
    }


def test_a_localiser_of_another_orientation_and_an_earlier_result_do_no_harm(tmp_path, derive):
    """The folder of a study as an archive exports it after the node has sent its result."""
    write_series(tmp_path / "study" / "t1", number=4)
    write_series(tmp_path / "study" / "scout", voxels(3), name="scout", number=1, orientation=CORONAL)
    derive(tmp_path / "study", tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "study" / "first")
    derive(tmp_path / "study", tmp_path / "second")
    first, second = (read_back(tmp_path / name) for name in ("study/first", "second"))
    assert [one.SOPInstanceUID for one in first] == [one.SOPInstanceUID for one in second]
    assert second[0].Rows == 2 * 40


def packed_as_jpeg_2000(folder):
    """The pixels as GDCM packs them, in the headers of the scanner."""
    write_series(folder)
    for path in sorted(folder.iterdir()):
        one = pydicom.dcmread(path)
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(folder.parent / "packed.dcm"))
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG2000")
        writer.Execute(sitk.GetImageFromArray(one.pixel_array))
        packed = pydicom.dcmread(folder.parent / "packed.dcm")
        assert packed.file_meta.TransferSyntaxUID == JPEG_2000
        one.PixelData, one.file_meta.TransferSyntaxUID = packed.PixelData, JPEG_2000
        one["PixelData"].VR, one["PixelData"].is_undefined_length = "OB", True
        one.BitsStored, one.HighBit = packed.BitsStored, packed.HighBit
        one.save_as(path, enforce_file_format=True)


def test_a_jpeg_2000_source_gives_the_same_series_as_an_unpacked_one(tmp_path, derive, dciodvfy):
    write_series(tmp_path / "plain")
    packed_as_jpeg_2000(tmp_path / "packed")
    for name in ("plain", "packed"):
        derive(tmp_path / name, tmp_path / f"{name}_out")
    for one, other in zip(read_back(tmp_path / "plain_out"), read_back(tmp_path / "packed_out"), strict=True):
        assert one.PixelData == other.PixelData and one.SOPInstanceUID == other.SOPInstanceUID
        assert "LossyImageCompression" not in other
    assert dciodvfy(tmp_path / "packed_out" / "IM0001.dcm") == []


def test_a_syntax_that_always_loses_is_stated_even_where_the_source_keeps_it_to_itself(tmp_path, derive, dciodvfy):
    pixels = voxels()
    datasets = headers(pixels)
    for one in datasets:
        one.compress(NEAR_LOSSLESS, jls_error=3, generate_instance_uid=False)
        assert "LossyImageCompression" not in one
    save_all(tmp_path / "in", datasets)
    derive(tmp_path / "in", tmp_path / "out", change=lambda array: array)
    found = sorted(read_back(tmp_path / "out"), key=lambda one: float(one.SliceLocation))
    assert {(one.LossyImageCompression, one.LossyImageCompressionMethod) for one in found} == {("01", "ISO_14495_1")}
    away = np.array([one.pixel_array for one in found], int) - pixels.repeat(2, 1).repeat(2, 2)
    assert 0 < np.abs(away).max() <= 3
    assert dciodvfy(tmp_path / "out" / "IM0001.dcm") == []


def test_overlay_bits_above_twelve_are_no_part_of_the_values(tmp_path, derive):
    pixels = voxels(highest=4000)
    datasets = headers(pixels)
    for one in datasets:
        assert one.BitsStored == 12
        words = np.frombuffer(one.PixelData, np.uint16).copy()
        words[::7] |= 0x1000
        one.PixelData = words.tobytes()
    save_all(tmp_path / "in", datasets)
    derive(tmp_path / "in", tmp_path / "out", change=lambda array: array)
    found = sorted(read_back(tmp_path / "out"), key=lambda one: float(one.SliceLocation))
    assert np.array_equal(np.array([one.pixel_array for one in found]), pixels.repeat(2, 1).repeat(2, 2))


def test_a_source_that_shows_its_smallest_value_as_white_is_turned_over_with_its_window(tmp_path, derive):
    pixels = write_series(
        tmp_path / "in", tags=lambda k: {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 300}
    )
    derive(tmp_path / "in", tmp_path / "out", change=lambda array: array)
    found = sorted(read_back(tmp_path / "out"), key=lambda one: float(one.SliceLocation))
    shown = np.array([one.pixel_array for one in found])
    assert np.array_equal(shown, 4095 - pixels.repeat(2, 1).repeat(2, 2).astype(int))
    first = found[0]
    assert first.PhotometricInterpretation == "MONOCHROME2"
    low, high = first.WindowCenter - first.WindowWidth / 2, first.WindowCenter + first.WindowWidth / 2
    assert low > 2000 and high < 4500


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_sources_in_other_encodings_give_the_same_series(tmp_path, derive, syntax):
    """Implicit, big endian and deflated."""
    write_series(tmp_path / "plain")
    datasets = headers(voxels())
    for one in datasets:
        one.file_meta.TransferSyntaxUID = syntax
        one.remove_private_tags()
        if syntax.endswith("2.2"):
            one.PixelData = np.frombuffer(one.PixelData, np.uint16).astype(">u2").tobytes()
    save_all(tmp_path / "other", datasets)
    for name in ("plain", "other"):
        derive(tmp_path / name, tmp_path / f"{name}_out")
    for one, other in zip(read_back(tmp_path / "plain_out"), read_back(tmp_path / "other_out"), strict=True):
        assert one.PixelData == other.PixelData and one.SOPInstanceUID == other.SOPInstanceUID
