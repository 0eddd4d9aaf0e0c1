"""Tags of enhanced multi-frame DICOM: read from its functional groups, in the form that classic images have."""

import sys

import pydicom
import pytest

from CHARMSSRLib.acquisition.claims import claims, compare, slices
from CHARMSSRLib.acquisition.findings import Acquisition, Axis
from CHARMSSRLib.acquisition.inspect import inspect_grid
from CHARMSSRLib.acquisition.tags import tags_of
from CHARMSSRLib.files.volumes import read_scan
from Testing.files.dicom_files import SIZE, SPACING, item, write_enhanced

GRID, MM = (SIZE[2], SIZE[1], SIZE[0]), (SPACING[2], SPACING[1], SPACING[0])


def geometry(direction="COLUMN", frequency=None, phase=None, **more):
    """What MR FOV/Geometry says: half of the columns and three quarters of the rows, unless told otherwise."""
    return item(
        InPlanePhaseEncodingDirection=direction, MRAcquisitionFrequencyEncodingSteps=frequency or SIZE[2] // 2,
        MRAcquisitionPhaseEncodingStepsInPlane=phase or SIZE[1] * 3 // 4, PercentSampling=100.0,
        PercentPhaseFieldOfView=100.0, **more,
    )  # fmt: skip


def written(path, shared=None, top=None, **options):
    """An enhanced file with further shared groups and values of its own."""
    write_enhanced(path, **options)
    dataset = pydicom.dcmread(path)
    for keyword, value in (shared or {}).items():
        setattr(dataset.SharedFunctionalGroupsSequence[0], keyword, value)
    for keyword, value in (top or {}).items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def shares(path):
    found = claims(tags_of(path), GRID, MM)
    return tuple(round(found[axis].share, 2) if axis in found else None for axis in (0, 1))


@pytest.mark.parametrize("where", ["shared", "per frame"])
def test_the_matrix_is_read_from_shared_groups_and_from_those_of_each_frame(tmp_path, where):
    groups = {"MRFOVGeometrySequence": geometry()}
    path = tmp_path / "a.dcm"
    written(path, **({"shared": groups} if where == "shared" else {"per_frame": lambda number: groups}))
    assert shares(path) == (0.5, 0.75)
    turned = {"MRFOVGeometrySequence": geometry("ROW", frequency=SIZE[1] // 2, phase=SIZE[2] // 2)}
    assert shares(written(tmp_path / "b.dcm", turned)) == (0.5, 0.5)
    assert shares(tmp_path) == (0.5, 0.75)  # of a folder the first


def test_thickness_times_and_kind_are_read_by_the_names_of_a_classic_image(tmp_path):
    measures = item(PixelSpacing=list(SPACING[1:]), SliceThickness=0.6 * SPACING[0], SpacingBetweenSlices=SPACING[0])
    groups = {
        "MREchoSequence": item(EffectiveEchoTime=93.0), "MRImageFrameTypeSequence": item(FrameType=["ORIGINAL", "DRB"]),
        "MRTimingAndRelatedParametersSequence": item(RepetitionTime=5000.0),
    }  # fmt: skip
    path = written(tmp_path / "a.dcm", groups, per_frame=lambda number: {"PixelMeasuresSequence": measures})
    tags = tags_of(path)
    assert slices(tags, MM).value == "gap" and float(tags["EchoTime"]) == 93 and float(tags["RepetitionTime"]) == 5000
    found = inspect_grid(read_scan(path).image, tags)
    assert found.slices.value == "gap" and found.slice_thickness_mm == pytest.approx(0.6 * SPACING[0])


@pytest.mark.parametrize(("direction", "axis"), [("PHASE", 1), ("FREQUENCY", 0), ("SLICE_SELECT", 2), ("", None)])
def test_partial_fourier_and_a_filter_of_k_space_are_noted(tmp_path, direction, axis):
    modifier = item(PartialFourier="YES", PartialFourierDirection=direction)
    groups = {"MRFOVGeometrySequence": geometry(), "MRModifierSequence": modifier}
    path = written(tmp_path / "a.dcm", groups, {"KSpaceFiltering": "HANNING"})
    found = Acquisition(tuple(Axis("left-right", step, 1.0) for step in MM), tags=tags_of(path))
    compare(found, GRID, MM)
    partial = [i for i, one in enumerate(found.axes) if "partial Fourier, say the tags" in one.notes]
    assert partial == ([] if axis is None else [axis])
    assert ["filter of k-space (HANNING), say the tags" in one.notes for one in found.axes] == [True, True, False]


@pytest.mark.parametrize("shared", [
    {"MRFOVGeometrySequence": []}, {"MRFOVGeometrySequence": geometry("SIDEWAYS")},
    {"MRFOVGeometrySequence": item(MRAcquisitionPhaseEncodingStepsInPlane=12)},
    {"MRFOVGeometrySequence": item(InPlanePhaseEncodingDirection=None)},
    {"MRModifierSequence": item(PartialFourier="PERHAPS")}, {"MREchoSequence": item(EffectiveEchoTime=None)},
])  # fmt: skip
def test_odd_groups_are_as_none(tmp_path, shared):
    path = written(tmp_path / "a.dcm", shared)
    found = inspect_grid(read_scan(path).image, tags_of(path))
    assert not any(one.notes for one in found.axes) and not found.warnings


def test_converted_objects_keep_the_tags_of_the_classic_images(tmp_path):
    kept = item(AcquisitionMatrix=[0, SIZE[2] // 2, SIZE[1] // 2, 0], InPlanePhaseEncodingDirection="COL")
    path = written(tmp_path / "a.dcm", {"UnassignedSharedConvertedAttributesSequence": kept})
    assert shares(path) == (0.5, 0.5)


def test_without_pydicom_what_itk_shows_counts(tmp_path, monkeypatch):
    path = written(tmp_path / "a.dcm", {"MRFOVGeometrySequence": geometry()}, {"PatientAge": "034Y"})
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert "AcquisitionMatrix" not in tags_of(path) and tags_of(path)["PatientAge"] == "034Y"
