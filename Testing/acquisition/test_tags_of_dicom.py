"""Tags as DICOM files hold them: read from the right series, odd ones left out, and used."""

import pytest

from CHARMSSRLib.acquisition.claims import claims, slices
from CHARMSSRLib.acquisition.inspect import inspect_image
from CHARMSSRLib.acquisition.tags import tags_of
from CHARMSSRLib.files.volumes import read_scan
from Testing.dicom.hospital import PIXEL, SIZE, STEP, series_uid, write_series

MATRIX = [0, 18, 20, 0]  # frequency along 36 columns, phase along 40 rows


def series(folder, name="t1", **tags):
    write_series(folder, tags=lambda number: tags, name=name)
    return folder


def test_the_matrix_and_the_thickness_are_read_from_a_folder(tmp_path):
    folder = series(
        tmp_path / "in",
        AcquisitionMatrix=MATRIX,
        SliceThickness=1.1,
        PercentSampling="100",
        PercentPhaseFieldOfView="100",
    )
    tags = tags_of(folder)
    size, spacing = (SIZE[2], SIZE[1], SIZE[0]), (PIXEL[1], PIXEL[0], STEP)
    found = claims(tags, size, spacing)
    assert (found[0].share, found[1].share) == pytest.approx((0.5, 0.5))
    assert slices(tags, spacing).value == "gap"
    told = inspect_image(read_scan(folder).image, tags)
    assert told.slices.value == "gap" and told.tags["AcquisitionMatrix"].startswith("0")


def test_of_two_series_in_a_folder_the_named_one_counts(tmp_path):
    series(tmp_path / "in" / "a", "one", SliceThickness=1.1)
    series(tmp_path / "in" / "b", "two", SliceThickness=4.4)
    for name, thickness in (("one", 1.1), ("two", 4.4)):
        assert float(tags_of(tmp_path / "in", series_uid(name))["SliceThickness"]) == thickness
    assert tags_of(tmp_path / "in", "1.2.3") == {}


@pytest.mark.parametrize("tags", [
    {"AcquisitionMatrix": [0, 0, 0, 0]}, {"SliceThickness": 0}, {"SliceThickness": -3}, {"AcquisitionMatrix": [36, 40]},
    {"SliceThickness": None}, {"PercentSampling": "0"},
])  # fmt: skip
def test_odd_tags_of_a_series_are_as_none(tmp_path, tags):
    folder = series(tmp_path / "in", **{"AcquisitionMatrix": [0, 36, 40, 0], "SliceThickness": 2.2, **tags})
    told = inspect_image(read_scan(folder).image, tags_of(folder))
    assert told.slices.value in ("contiguous", "unknown")
    assert not any("the tags say" in one for one in told.warnings)
