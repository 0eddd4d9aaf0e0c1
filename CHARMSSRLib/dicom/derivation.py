"""What is new about a derived series: its identity, and the words and codes that say how it was made.

Source: DICOM PS3.3, C.7.6.1 (General Image), C.12.1 (SOP Common); PS3.16, CID 7203 and CID 7202, CID 7005.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import __version__
from .uids import settings_that_count, uid_from

MAKER = "CHARMSSR"
NOT_FOR_DIAGNOSIS = "Super-resolved by CHARMSSR for research; not for diagnosis."
_LONGEST_TITLE = 64
_LONGEST_DERIVATION = 1024
_HIGHEST_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class Derivation:
    """How a series was made.

    Attributes:
        checkpoint: name, sha256, scale, as in the report of ``enhance``.
        settings: of the enhancement, as a dict.
        series_uid: of the new series.
        number: of the new series.
        title: its description.
        factor: what its values were multiplied with.
        moment: when it was made.
        resolution: sentence on pixels that were not those of the source; "" where they were.
    """

    checkpoint: dict[str, Any]
    settings: dict[str, Any]
    series_uid: str
    number: int
    title: str
    moment: datetime
    factor: float = 1.0
    resolution: str = ""

    @property
    def device_uid(self) -> str:
        """Identifier of network and version: another one for other weights."""
        return uid_from("device", self.checkpoint["sha256"], __version__)

    @property
    def date(self) -> str:
        """The day, as DICOM writes it."""
        return self.moment.strftime("%Y%m%d")

    @property
    def time(self) -> str:
        """The time of the day, as DICOM writes it."""
        return self.moment.strftime("%H%M%S")

    @property
    def description(self) -> str:
        """One paragraph: network, weights, version, settings."""
        settings = ", ".join(f"{name} {_word(value)}" for name, value in settings_that_count(self.settings).items())
        scaled = "" if self.factor == 1 else f" All values were multiplied by {self.factor:g} to fit 16 bits."
        found = f" {self.resolution}" if self.resolution else ""
        text = (
            f"Super-resolution x{self.checkpoint['scale']} by the CHARMS network: checkpoint "
            f"{self.checkpoint['name']}, SHA-256 {self.checkpoint['sha256']}, CHARMSSR {__version__}.{scaled} "
            f"Not for diagnosis.{found} Settings: {settings}."
        )
        return text.encode("ascii", "replace").decode()[:_LONGEST_DERIVATION]


def derive(
    source: Any, identity: list[Any], report: dict[str, Any], settings: dict[str, Any], offset: int, what: str = ""
) -> Derivation:
    """The derivation of a result, or of a map of it.

    Args:
        source: header of a source image.
        identity: all that makes the result what it is, beside weights, settings and version.
        report: of ``enhance``; its checkpoint is read.
        settings: of the enhancement.
        offset: added to the number of the source's series.
        what: name of a map or report; "" for the result itself.
    """
    checkpoint = report["checkpoint"]
    series_uid = uid_from("series", what, identity, checkpoint["sha256"], settings_that_count(settings), __version__)
    try:
        number = int(source.get("SeriesNumber") or 0) + offset
    except (TypeError, ValueError):
        number = offset
    kind = f" {what}" if what else ""
    ending = f"CHARMS x{checkpoint['scale']}{kind}, research only"
    own = str(source.get("SeriesDescription", "") or "").strip()
    title = f"{own[: _LONGEST_TITLE - len(ending) - 1].rstrip()} {ending}".strip()
    return Derivation(
        checkpoint, settings, series_uid, min(number, _HIGHEST_NUMBER), title, datetime.now().replace(microsecond=0),
        resolution=str(report.get("resolution", {}).get("sentence", "")),
    )  # fmt: skip


def code(value: str, meaning: str, scheme: str = "DCM") -> Any:
    """An item of a code sequence."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def equipment(derivation: Derivation) -> Any:
    """The item of the contributing equipment that names this software."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [code("109102", "Processing Equipment")]
    item.Manufacturer = MAKER
    item.ManufacturerModelName = f"CHARMS x{derivation.checkpoint['scale']}"
    item.SoftwareVersions = __version__
    item.DeviceUID = derivation.device_uid
    item.ContributionDateTime = derivation.date + derivation.time
    item.ContributionDescription = f"Super-resolution with the weights {derivation.checkpoint['name']}"[:1024]
    return item


def source_reference(one: Any) -> Any:
    """The item of the source images that names a SourceSlice; None where it has no identifier."""
    from pydicom.dataset import Dataset

    header = one.header
    if not header.get("SOPInstanceUID") or not header.get("SOPClassUID"):
        return None
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    if one.frame is not None:
        item.ReferencedFrameNumber = one.frame
    item.PurposeOfReferenceCodeSequence = [code("121322", "Source image for image processing operation")]
    return item


def _word(value):
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
