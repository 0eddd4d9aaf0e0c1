"""A derived image's attributes: what is kept of its source, cleaned, and what is said about it anew."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from ..files.functional_groups import elements_of
from .derivation import NOT_FOR_DIAGNOSIS, Derivation, code, equipment, source_reference
from .kept_attributes import IDENTITY, KEPT, MR_MAY_BE_EMPTY
from .needs import need
from .uids import is_uid, uid_from

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
# Transfer syntaxes that always lose something, and how LossyImageCompressionMethod names their methods.
_LOSSY = {
    "1.2.840.10008.1.2.4.50": "ISO_10918_1",
    "1.2.840.10008.1.2.4.51": "ISO_10918_1",
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
}


def kept_from(source: Any, names: Iterable[str] = KEPT, may_be_empty: Iterable[str] = MR_MAY_BE_EMPTY) -> Any:
    """A new dataset with the named attributes of a source that hold valid values.

    Args:
        source: pydicom dataset of a classic image.
        names: keywords that pass.
        may_be_empty: keywords that must be there; empty where the source lacks them.
    """
    Dataset = need("pydicom").dataset.Dataset
    kept = Dataset()
    for element in elements_of(source):
        name = element.keyword
        if name not in names or (name not in IDENTITY and not _is_valid(element)):
            continue
        if element.VR == "SQ":
            element = copy.deepcopy(element)
            for item in element.value:
                item.remove_private_tags()
            if not element.value:
                continue
        elif element.is_empty and name not in may_be_empty:
            continue
        kept[element.tag] = element if element.VR == "SQ" else copy.copy(element)
    for name in may_be_empty:
        if name not in kept:
            setattr(kept, name, None)
    if not kept.get("StudyInstanceUID"):
        kept.StudyInstanceUID = uid_from("study", source.get("SeriesInstanceUID"), source.get("SOPInstanceUID"))
    return kept


def derived_header(source_slices: list[Any], nearest: Any, derivation: Derivation) -> Any:
    """The dataset of one derived MR image, without geometry and pixels.

    Args:
        source_slices: SourceSlice objects that it was made from.
        nearest: header of the nearest one.
        derivation: see there.
    """
    header = kept_from(nearest)
    header.SOPClassUID = MR_IMAGE
    header.Modality = "MR"
    header.ImageType = image_type(nearest)
    _complete_mr(header, nearest)
    say_derivation(header, derivation)
    header.DerivationCodeSequence = [code("113085", "Spatial resampling")]
    references = [item for one in source_slices if (item := source_reference(one)) is not None]
    if references:
        header.SourceImageSequence = references
    return header


def say_derivation(header: Any, derivation: Derivation) -> None:
    """Give a dataset its series, its times and the words that say how it was made, in place."""
    header.SeriesInstanceUID = derivation.series_uid
    header.SeriesNumber = derivation.number
    header.SeriesDescription = derivation.title
    for name in ("Series", "Content", "InstanceCreation"):
        setattr(header, f"{name}Date", derivation.date)
        setattr(header, f"{name}Time", derivation.time)
    header.DerivationDescription = derivation.description
    header.ImageComments = NOT_FOR_DIAGNOSIS
    header.ContributingEquipmentSequence = [*(header.get("ContributingEquipmentSequence") or []), equipment(derivation)]
    if not header.get("FrameOfReferenceUID"):
        header.FrameOfReferenceUID = uid_from("frame of reference", derivation.series_uid)


def image_type(source: Any) -> list[str]:
    """DERIVED, SECONDARY, then what the source says about its kind, then that it is ours."""
    kind = source.get("ImageType") or []
    kind = [kind] if isinstance(kind, str) else [str(part).strip().upper() for part in kind]
    rest = [part for part in kind[2:] if part and part != "CHARMS" and _is_code(part)]
    return ["DERIVED", "SECONDARY", *(rest or ["OTHER"]), "CHARMS"]


def _complete_mr(header, source):
    """Attributes without which no MR image is valid, where the source says nothing."""
    if not header.get("ScanningSequence"):
        header.ScanningSequence = "RM"
    if not header.get("SequenceVariant"):
        header.SequenceVariant = "NONE"
    scanning = header.ScanningSequence
    if "IR" in ([scanning] if isinstance(scanning, str) else list(scanning)) and "InversionTime" not in header:
        header.InversionTime = None
    if not any(name in header for name in ("BodyPartExamined", "Laterality", "ImageLaterality")):
        header.Laterality = None  # required where no body part says that it has no sides; may be empty
    lossy = str(source.get("LossyImageCompression", "") or "")
    method = _LOSSY.get(str(getattr(getattr(source, "file_meta", None), "TransferSyntaxUID", "")))
    if method:  # whatever the header says or leaves out
        header.LossyImageCompression = "01"
        if not header.get("LossyImageCompressionMethod"):
            header.LossyImageCompressionMethod = method
    elif lossy in ("00", "01"):
        header.LossyImageCompression = lossy


def _is_code(text):
    return len(text) <= 16 and all(letter.isupper() or letter.isdigit() or letter in " _" for letter in text)


def _is_valid(element):
    """Whether an element's values follow the letter of their representation."""
    from pydicom import config
    from pydicom.valuerep import validate_value

    if element.VR == "SQ" or element.is_empty:
        return True
    several = element.VM > 1
    for value in element.value if several else [element.value]:
        if element.VR == "UI":
            if not is_uid(str(value)):
                return False
            continue
        if element.VR in ("US", "SS", "UL", "SL", "FL", "FD", "OB", "OW", "UN"):
            continue
        text = getattr(value, "original_string", None) or str(value)
        try:
            validate_value(element.VR, text, config.RAISE)
        except (ValueError, TypeError):
            return False
    return True
