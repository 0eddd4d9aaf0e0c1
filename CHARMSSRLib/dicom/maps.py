"""A map of a result for an archive: its values as a Parametric Map, and pictures of it that any viewer shows.

Source: DICOM PS3.3, A.75 (Parametric Map), A.8.1 (Secondary Capture).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .. import __version__
from .derivation import MAKER, NOT_FOR_DIAGNOSIS, source_reference
from .header import kept_from, say_derivation
from .kept_attributes import KEPT_OF_THE_STUDY, MAY_BE_EMPTY
from .needs import need
from .series_writer import DerivedSeries, SliceGeometry, decimal, put_pixels, save
from .uids import uid_from

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# Behind the result's own number, so that numbers differ.
_FIRST_NUMBER = 10
MAP_NAMES = {
    "detail": "Detail beyond the band of the acquired data",
    "variability": "Variability over turned slices",
    "disagreement": "Disagreement between planes",
    "mask": "Where the result holds",
    "removed": "What of the scan is gone within its band",
}


def write_map(series: DerivedSeries, name: str, image: sitk.Image, folder: Path) -> None:
    """Write a map into an existing folder: ``map.dcm`` and a picture for each slice.

    Args:
        series: the result that the map belongs to.
        name: of the map.
        image: scalar, on the grid of the result.
        folder: existing.

    Raises:
        BackendError: highdicom is missing.
    """
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    low, high = (float(one) for one in np.percentile(values, (0.5, 99.5)))
    if high <= low:
        low, high = float(values.min()), float(values.max()) if values.max() > values.min() else float(values.min()) + 1
    _write_parametric_map(series, name, values, (low, high), folder / "map.dcm")
    _write_pictures(series, name, image, values, (low, high), folder)


def _write_parametric_map(series, name, values, window, path):
    hd = need("highdicom")
    codes = need("pydicom.sr.codedict").codes
    import warnings

    geometries = [SliceGeometry(series.image, index) for index in range(len(values))]
    spacing = series.image.GetSpacing()
    derivation = series.derivation
    number = _number(series, name)
    lowest, highest = float(values.min()), float(values.max())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hints about values of the source that are kept as they are
        parametric = hd.pm.ParametricMap(
            source_images=list(series.datasets()),
            pixel_array=values,
            series_instance_uid=uid_from("map", name, derivation.series_uid),
            series_number=number,
            sop_instance_uid=uid_from("map object", name, derivation.series_uid),
            instance_number=1,
            manufacturer=MAKER,
            manufacturer_model_name=f"CHARMS x{derivation.checkpoint['scale']}",
            software_versions=__version__,
            device_serial_number=derivation.checkpoint["sha256"][:16],
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[
                hd.pm.RealWorldValueMapping(
                    lut_label=name[:16],
                    lut_explanation=MAP_NAMES.get(name, name)[:64],
                    unit=codes.UCUM.NoUnits,
                    value_range=(lowest, max(highest, lowest + 1e-6)),
                    slope=1,
                    intercept=0,
                )
            ],
            window_center=(window[0] + window[1]) / 2,
            window_width=window[1] - window[0],
            pixel_measures=hd.PixelMeasuresSequence(
                pixel_spacing=[spacing[1], spacing[0]], slice_thickness=spacing[2], spacing_between_slices=spacing[2]
            ),
            plane_orientation=hd.PlaneOrientationSequence("PATIENT", geometries[0].cosines),
            plane_positions=[hd.PlanePositionSequence("PATIENT", one.position) for one in geometries],
            content_description=MAP_NAMES.get(name, name)[:64],
            series_description=f"CHARMS x{derivation.checkpoint['scale']} {name}, research only"[:64],
        )
    _say_body_part(parametric, series.source.first)
    parametric.save_as(path)


def _write_pictures(series, name, image, values, window, folder):
    low, high = window
    slope = (float(values.max()) - float(values.min())) / 65535 or 1.0
    intercept = float(values.min())
    derivation = replace(
        series.derivation,
        series_uid=uid_from("pictures", name, series.derivation.series_uid),
        number=_number(series, name) + 1,
        title=f"CHARMS x{series.derivation.checkpoint['scale']} {name} (pictures), research only"[:64],
    )
    numbers = series.instance_numbers()
    for index, plane in enumerate(values):
        near = series.source.nearest(SliceGeometry(image, index).place)
        picture = kept_from(near.header, KEPT_OF_THE_STUDY, MAY_BE_EMPTY)
        picture.SOPClassUID, picture.SOPInstanceUID = (
            _SECONDARY_CAPTURE,
            uid_from("picture", derivation.series_uid, index),
        )
        picture.Modality, picture.ConversionType, picture.Manufacturer = "OT", "WSD", MAKER
        picture.ImageType = ["DERIVED", "SECONDARY", "OTHER", "CHARMS"]
        if near.header.get("FrameOfReferenceUID"):
            picture.FrameOfReferenceUID = near.header.FrameOfReferenceUID
        picture.PositionReferenceIndicator = None
        say_derivation(picture, derivation)
        picture.ImageComments = NOT_FOR_DIAGNOSIS
        picture.InstanceNumber, picture.PatientOrientation = numbers[index], None
        _say_body_part(picture, near.header)
        reference = source_reference(near)
        if reference is not None:
            picture.SourceImageSequence = [reference]
        SliceGeometry(image, index).describe(picture, image.GetSpacing()[2])
        put_pixels(picture, np.rint((plane - intercept) / slope).astype(np.uint16))
        picture.RescaleSlope, picture.RescaleIntercept, picture.RescaleType = decimal(slope), decimal(intercept), "US"
        picture.WindowCenter, picture.WindowWidth = decimal((low + high) / 2), decimal(high - low)
        save(picture, folder / f"IM{numbers[index]:04d}.dcm")


def _say_body_part(dataset, source):
    """Which part of the body it is; where the source does not tell, a side is asked for, which may be empty."""
    if source.get("BodyPartExamined"):
        dataset.BodyPartExamined = source.BodyPartExamined
    else:
        dataset.Laterality = None


def _number(series, name):
    order = [*MAP_NAMES].index(name) if name in MAP_NAMES else len(MAP_NAMES)
    return series.derivation.number + _FIRST_NUMBER + 2 * order
