"""What tags claim: right values for what scanners and converters write, nothing for what is odd."""

import pytest

from CHARMSSRLib.acquisition.claims import claims, compare, slice_thickness, slices
from CHARMSSRLib.acquisition.findings import NONE, UNKNOWN, ZERO_FILLED, Acquisition, Axis

SIZE, SPACING = (512, 512, 24), (0.43, 0.43, 5.0)
SQUARE = {"Rows": "512", "Columns": "512"}


def shares(tags, size=SIZE, spacing=SPACING):
    """What the tags say of the axes i and j, as shares of the grid; None where they say nothing."""
    found = claims(tags, size, spacing)
    return tuple(round(found[axis].share, 3) if axis in found else None for axis in (0, 1))


@pytest.mark.parametrize(("tags", "expected"), [
    # Phase along the columns of the image (j): frequency columns, phase rows.
    ({"AcquisitionMatrix": "0\\256\\192\\0"}, (0.5, 0.375)),
    ({"AcquisitionMatrix": [0, 256, 192, 0]}, (0.5, 0.375)),
    # Phase along the rows (i).
    ({"AcquisitionMatrix": "320\\0\\0\\256"}, (0.5, 0.625)),
    # Three quarters of the field in the phase direction on a square grid: its lines lie as close as 256 would.
    ({"AcquisitionMatrix": "0\\256\\192\\0", "PercentPhaseFieldOfView": "75"}, (0.5, 0.5)),
    ({"AcquisitionMatrix": "0\\256\\192\\0", "PercentPhaseFieldOfView": "75", "ReconstructionDiameter": "220"},
     (0.5, 0.5)),
    # PercentSampling is in the number of lines already with some makers, and with others not.
    ({"AcquisitionMatrix": "0\\256\\205\\0", "PercentSampling": "80"}, (0.5, 0.4)),
    ({"AcquisitionMatrix": "0\\256\\256\\0", "PercentSampling": "80"}, (0.5, 0.4)),
    ({"AcquisitionMatrix": "0\\512\\512\\0", "PercentSampling": "100"}, (1.0, 1.0)),
    # More lines than the grid has: it was not interpolated.
    ({"AcquisitionMatrix": "0\\640\\512\\0"}, (1.0, 1.0)),
    ({"AcquisitionMatrix": "0\\256\\192\\0", "Rows": "256"}, (None, None)),  # of another image
    ({"AcquisitionMatrix": "256\\256\\0\\0"}, (None, None)),
    ({"AcquisitionMatrix": "256\\0\\192\\0"}, (None, None)),  # both along one axis
    ({"AcquisitionMatrix": "0\\0\\0\\0"}, (None, None)),
    ({"AcquisitionMatrix": "0\\-256\\192\\0"}, (None, None)),
    ({"AcquisitionMatrix": "0\\99999\\192\\0"}, (None, 0.375)),
    ({"AcquisitionMatrix": "256\\192"}, (None, None)),
    ({"AcquisitionMatrix": "x"}, (None, None)),
    ({"AcquisitionMatrix": None}, (None, None)),
])  # fmt: skip
def test_the_matrix_of_dicom_gives_the_share_of_each_axis(tags, expected):
    assert shares({**SQUARE, **tags}) == expected


def test_a_grid_that_is_as_narrow_as_the_field_needs_no_percent_of_it():
    tags = {"AcquisitionMatrix": "0\\256\\192\\0", "Rows": "384", "Columns": "512", "PercentPhaseFieldOfView": "75"}
    assert shares(tags, (512, 384, 24)) == (0.5, 0.5)


@pytest.mark.parametrize(("tags", "expected"), [
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512, "PhaseEncodingDirection": "j-"}, (None, 0.375)),
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512, "InPlanePhaseEncodingDirectionDICOM": "ROW"}, (0.375, None)),
    ({"BaseResolution": 256, "InPlanePhaseEncodingDirectionDICOM": "COL"}, (0.5, None)),
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512, "BaseResolution": 256, "PhaseEncodingDirection": "j"},
     (0.5, 0.375)),
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512, "PhaseEncodingAxis": "j"}, (None, 0.375)),
    # Three quarters of the field on a square grid.
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512, "PhaseEncodingDirection": "j", "PercentPhaseFOV": 75},
     (None, 0.5)),
    ({"FrequencyEncodingSteps": 256, "InPlanePhaseEncodingDirectionDICOM": "COL"}, (0.5, None)),
    ({"FrequencyEncodingSteps": 128, "BaseResolution": 256, "InPlanePhaseEncodingDirectionDICOM": "COL"}, (0.5, None)),
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512}, (None, None)),  # along which axis?
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 256, "PhaseEncodingDirection": "j"}, (None, None)),  # turned since
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512, "PhaseEncodingDirection": "k"}, (None, None)),
    ({"AcquisitionMatrixPE": 192, "ReconMatrixPE": 512, "PhaseEncodingDirection": "i",
      "InPlanePhaseEncodingDirectionDICOM": "COL"}, (None, None)),  # contradictory
    ({"AcquisitionMatrixPE": "many", "ReconMatrixPE": [512], "PhaseEncodingDirection": 3}, (None, None)),
])  # fmt: skip
def test_the_sidecar_of_bids_gives_what_it_can(tags, expected):
    assert shares(tags) == expected


@pytest.mark.parametrize(("tags", "kind", "thickness"), [
    ({"SliceThickness": "4"}, "gap", 4),
    ({"SliceThickness": 5, "SpacingBetweenSlices": 5}, "contiguous", None),  # as is assumed anyway
    ({"SliceThickness": "7.5", "SpacingBetweenSlices": "5"}, "overlap", 7.5),
    ({"SliceThickness": "4", "SpacingBetweenSlices": "1"}, "gap", 4),  # the gap alone; the grid says 5 mm
    ({"SliceThickness": "4", "SpacingBetweenSlices": "x"}, "gap", 4),
    ({}, UNKNOWN, None), ({"SliceThickness": "0"}, UNKNOWN, None), ({"SliceThickness": "0.1"}, UNKNOWN, None),
    ({"SliceThickness": "900"}, UNKNOWN, None), ({"SliceThickness": "nan"}, UNKNOWN, None),
])  # fmt: skip
def test_thickness_against_distance_tells_gap_and_overlap(tags, kind, thickness):
    assert slices(tags, SPACING).value == kind
    assert slice_thickness(tags, SPACING) == thickness


def acquisition(*found, **tags):
    axes = (Axis("left-right", 0.43, *found), Axis("back-front", 0.43, 1.0, NONE, 0.7), Axis("foot-head", 5.0))
    return Acquisition(axes, tags={**SQUARE, **tags})


def test_where_the_voxels_are_silent_the_tags_speak():
    told = acquisition(AcquisitionMatrix="0\\256\\512\\0")
    compare(told, SIZE, SPACING)
    assert (told.axes[0].share, told.axes[0].interpolation, told.axes[0].confidence) == (0.5, ZERO_FILLED, 0.5)
    assert told.axes[1].confidence == 0.95 and not told.warnings


def test_where_they_contradict_each_other_the_voxels_win_and_a_warning_says_so():
    told = acquisition(0.5, ZERO_FILLED, 0.9, AcquisitionMatrix="0\\512\\512\\0")
    compare(told, SIZE, SPACING)
    assert told.axes[0].share == 0.5
    (warning,) = told.warnings
    assert "the tags say 100%" in warning and "the voxels say 50%; the voxels were believed" in warning


def test_partial_fourier_of_the_tags_is_noted_on_its_axis():
    told = acquisition(PartialFourier=0.75, PhaseEncodingDirection="j")
    compare(told, SIZE, SPACING)
    assert told.axes[1].notes == ("partial Fourier of 0.75, say the tags",) and not told.axes[0].notes
    for tags in ({"ScanOptions": "PFP\\SFS"}, {"PartialFourierDirection": "PHASE"}):
        told = acquisition(InPlanePhaseEncodingDirection="COL", **tags)
        compare(told, SIZE, SPACING)
        assert [len(axis.notes) for axis in told.axes] == [0, 1, 0]
    for odd in (0.2, 1, "x", None):
        told = acquisition(PartialFourier=odd, PhaseEncodingDirection="j")
        compare(told, SIZE, SPACING)
        assert not any(axis.notes for axis in told.axes)
