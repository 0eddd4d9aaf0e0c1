"""Enhanced multi-frame files: frames sorted and scaled one by one, checked as single slices are."""

import subprocess
import sys

import dcm2niix
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volumes import read_scan, read_volume
from Testing.files.dicom_files import (
    AXIAL,
    CORONAL,
    ENHANCED_CT,
    OBLIQUE,
    SIZE,
    affine,
    item,
    positions,
    rle,
    stack,
    write_enhanced,
    write_slices,
)  # fmt: skip
from Testing.files.readers import image_affine

ORDERS = {
    "ascending": range(SIZE[0]),
    "descending": range(SIZE[0])[::-1],
    "interleaved": [*range(0, SIZE[0], 2), *range(1, SIZE[0], 2)],
    "shuffled": np.random.default_rng(5).permutation(SIZE[0]),
}


def refusal(path):
    with pytest.raises(InputError) as caught:
        read_scan(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, OBLIQUE])
@pytest.mark.parametrize("place", ["file", "folder"])
def test_frames_are_sorted_by_their_positions(tmp_path, order, orientation, place):
    path = write_enhanced(tmp_path / "series" / "a.dcm", order=ORDERS[order], orientation=orientation)
    image = read_volume(path if place == "file" else path.parent)
    assert np.array_equal(sitk.GetArrayFromImage(image), stack())
    assert np.allclose(image_affine(image), affine(orientation), atol=1e-6)


@pytest.mark.parametrize("order", ["ascending", "shuffled"])
def test_each_frame_is_scaled_by_its_own_factors(tmp_path, order):
    def scaling(k):
        return 0.5 + 0.25 * k, -7.0 * k

    path = write_enhanced(tmp_path / "a.dcm", order=ORDERS[order], scaling=scaling)
    expected = np.stack([one * scaling(k)[0] + scaling(k)[1] for k, one in enumerate(stack())])
    assert np.allclose(sitk.GetArrayFromImage(read_volume(path)), expected, rtol=1e-6)
    shared = write_enhanced(tmp_path / "b.dcm", order=ORDERS[order], shared_scaling=(2.0, 10.0))
    assert np.allclose(sitk.GetArrayFromImage(read_volume(shared)), stack() * 2.0 + 10)


@pytest.mark.parametrize("options", [
    {"shared_scaling": (0.0, 10.0)}, {"scaling": lambda k: (0.0, 5.0)}, {"scaling": lambda k: (float(k != 3), 0.0)},
])  # fmt: skip
def test_frames_that_are_multiplied_by_nothing_are_refused_with_the_reason(tmp_path, options):
    message = refusal(write_enhanced(tmp_path / "a.dcm", **options))
    assert "a.dcm says that its values are to be multiplied by 0 (RescaleSlope)" in message


def test_shared_groups_and_signed_values_are_read(tmp_path):
    pixels = stack(dtype=np.int16) - 120
    path = write_enhanced(tmp_path / "a.dcm", pixels, repeated_groups=False)
    image = read_volume(path)
    assert np.array_equal(sitk.GetArrayFromImage(image), pixels) and np.allclose(image_affine(image), affine())


def test_packed_frames_equal_unpacked_ones(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", order=ORDERS["shuffled"])
    rle(path)
    assert np.array_equal(sitk.GetArrayFromImage(read_volume(path)), stack())


def test_frames_packed_with_jpeg_2000_are_decoded(tmp_path, shared_data):
    """The decoder is SimpleITK's; the packed frames come from a real series."""
    folder = shared_data / "odd" / "dicom" / "compressed_j2k"
    single = [pydicom.dcmread(path) for path in sorted((folder / "001").iterdir()) if path.is_file()]
    single.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    path = write_enhanced(tmp_path / "a.dcm", np.zeros((len(single), *SIZE[1:]), np.uint16))
    enhanced = pydicom.dcmread(path)
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        setattr(enhanced, keyword, getattr(single[0], keyword))
    frames = [next(pydicom.encaps.generate_frames(one.PixelData, number_of_frames=1)) for one in single]
    enhanced.PixelData = pydicom.encaps.encapsulate(frames)
    enhanced.file_meta.TransferSyntaxUID = single[0].file_meta.TransferSyntaxUID
    enhanced["PixelData"].VR = "OB"
    enhanced["PixelData"].is_undefined_length = True
    enhanced.save_as(path)
    unscaled = [float(one.get("RescaleSlope", 1)) == 1 for one in single]
    assert all(unscaled)
    truth = read_volume(folder / "001")
    ours = sitk.GetArrayFromImage(read_volume(path)) + float(single[0].get("RescaleIntercept", 0))
    theirs = sitk.GetArrayFromImage(truth)
    assert np.array_equal(ours, theirs) or np.array_equal(ours, theirs[::-1])


@pytest.mark.parametrize("bits, dtype", [(12, np.uint16), (16, np.uint16), (16, np.int16)])
def test_frames_of_which_the_lowest_value_is_white_are_read_as_single_slices_are(tmp_path, bits, dtype):
    def inverse(path):
        dataset = pydicom.dcmread(path)
        dataset.PhotometricInterpretation, dataset.BitsStored, dataset.HighBit = "MONOCHROME1", bits, bits - 1
        dataset.save_as(path)

    write_slices(tmp_path / "slices", stack(dtype=dtype))
    write_enhanced(tmp_path / "frames" / "a.dcm", stack(dtype=dtype))
    for path in (*(tmp_path / "slices").iterdir(), tmp_path / "frames" / "a.dcm"):
        inverse(path)
    one, other = (sitk.GetArrayFromImage(read_volume(tmp_path / name)) for name in ("slices", "frames"))
    assert np.array_equal(one, other)


def test_missing_frames_are_noticed(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", order=[k for k in range(SIZE[0]) if k not in (6, 7)])
    assert "missing or unevenly spaced" in refusal(path) and "missing or unevenly" in refusal(tmp_path)


def test_copies_of_a_frame_are_noticed(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", order=[*range(SIZE[0]), 5])
    assert "several images at the same place" in refusal(path)


KINDS = {
    "echo time: 10 ms (18 images), 30 ms (18 images)": lambda n: {
        "MREchoSequence": item(EffectiveEchoTime=10.0 if n < 18 else 30.0)
    },
    "complex component: MAGNITUDE (18 images), PHASE (18 images)": lambda n: {
        "MRImageFrameTypeSequence": item(ComplexImageComponent="MAGNITUDE" if n < 18 else "PHASE")
    },
    "inversion time: 700 ms": lambda n: {"MRModifierSequence": item(InversionTimes=[700.0 if n < 18 else 2500.0])},
    "temporal position: 1 (18": lambda n: {"FrameContentSequence": item(TemporalPositionIndex=1 + n // 18)},
    "acquisition number: 1 (18": lambda n: {"FrameContentSequence": item(FrameAcquisitionNumber=1 + n // 18)},
    "b-value: 0 s/mm2": lambda n: {"MRDiffusionSequence": item(DiffusionBValue=1000.0 * (n // 18))},
    "image type": lambda n: {
        "MRImageFrameTypeSequence": item(FrameType=["ORIGINAL", "PRIMARY", "T1", "W" * (n // 18)])
    },
}


@pytest.mark.parametrize("words", KINDS)
def test_images_of_several_kinds_are_named(tmp_path, words):
    twice = np.concatenate([stack(), stack(seed=4)])
    places = np.concatenate([positions(), positions()])
    path = write_enhanced(tmp_path / "a.dcm", twice, places=places, per_frame=KINDS[words])
    assert "mixes images of several kinds" in refusal(path) and words in refusal(path)


def test_mixed_orientations_and_missing_positions_are_refused(tmp_path):
    def orientations(k):
        return AXIAL if k < 9 else CORONAL

    assert "orientations" in refusal(write_enhanced(tmp_path / "a.dcm", orientations=orientations))
    path = write_enhanced(tmp_path / "b.dcm")
    dataset = pydicom.dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence
    dataset.save_as(path)
    assert "does not say where its slices lie" in refusal(path)


def test_enhanced_ct_is_refused_as_ct(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", class_uid=ENHANCED_CT, modality="CT")
    assert "computed tomography" in refusal(path) and "computed tomography" in refusal(tmp_path)


def test_damaged_multi_frame_files_are_refused(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm")
    content = path.read_bytes()
    path.write_bytes(content[:-2000])
    assert "damaged" in refusal(path)
    dataset = pydicom.dcmread(write_enhanced(path))
    dataset.PerFrameFunctionalGroupsSequence = dataset.PerFrameFunctionalGroupsSequence[:5]
    dataset.save_as(path)
    assert "5 of 18 frames" in refusal(path)


def test_a_multi_frame_file_and_the_same_slices_one_by_one_are_the_same_volume(tmp_path):
    write_slices(tmp_path / "classic", orientation=OBLIQUE)
    path = write_enhanced(tmp_path / "enhanced" / "a.dcm", order=ORDERS["shuffled"], orientation=OBLIQUE)
    classic, enhanced = read_volume(tmp_path / "classic"), read_volume(path)
    assert np.array_equal(sitk.GetArrayFromImage(classic), sitk.GetArrayFromImage(enhanced))
    assert np.allclose(image_affine(classic), image_affine(enhanced), atol=1e-6)


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, OBLIQUE])
@pytest.mark.parametrize("kind", ["classic", "enhanced"])
def test_dcm2niix_puts_the_same_values_at_the_same_places(tmp_path, orientation, kind):
    folder = tmp_path / "dicom"
    if kind == "classic":
        write_slices(folder, orientation=orientation)
    else:
        write_enhanced(folder / "a.dcm", orientation=orientation)
    (tmp_path / "nifti").mkdir()
    command = [dcm2niix.bin, "-b", "n", "-z", "n", "-f", "out", "-o", str(tmp_path / "nifti"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    made = sorted((tmp_path / "nifti").glob("*.nii"))
    assert len(made) == 1, done.stdout
    theirs, ours = nibabel.load(made[0]), read_volume(folder)
    # Both hold the same points; the order of rows and slices is each program's own.
    index = np.linalg.solve(np.diag([-1.0, -1, 1, 1]) @ image_affine(ours), theirs.affine)
    voxels = sitk.GetArrayFromImage(ours).T
    place = np.array([[0, 0, 0], [3, 5, 7], [30, 2, 11], [33, 39, 17]])
    for ijk in place:
        i, j, k = np.rint((index @ [*ijk, 1])[:3]).astype(int)
        assert np.allclose((index @ [*ijk, 1])[:3], (i, j, k), atol=1e-3)
        assert voxels[i, j, k] == np.asarray(theirs.dataobj)[tuple(ijk)]


def test_without_pydicom_one_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    path = write_enhanced(tmp_path / "a.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert "charmssr[dicom]" in refusal(path)
