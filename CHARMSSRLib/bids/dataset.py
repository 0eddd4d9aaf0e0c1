"""The two datasets of a run: is the input a raw BIDS dataset, and may the output be written as its derivative?"""

import json
import os
from pathlib import Path
from typing import Any, Optional

from .. import __version__
from ..errors import InputError, OutputError
from .shared_folder import read_now

BIDS_VERSION = "1.10.0"
TOOL = "CHARMSSR"
DESCRIPTION = "dataset_description.json"
# No slashes at the ends: bids-validator-deno 3.0 passes over "figures/" but not over "figures".
IGNORED = "*.html\nlogs\nfigures\ngroup.*\n.charmssr\n"
_CODE = "https://github.com/SlicerCHARMSSR/SlicerCHARMSSR"

CITATION = """\
{scans} enhanced with CHARMSSR {version} (checkpoint {checkpoint}, SHA-256 {sha256}),
which implements the network CHARMS (Li, Sun and Li: "CHARMS: A CNN-Transformer Hybrid with
Attention Regularization for MRI Super-Resolution", Sensors 2026, 26(2), 738). Each scan was
corrected for its bias field (N4; Tustison et al., IEEE Transactions on Medical Imaging 2010,
29(6), 1310-1320) unless the settings in its sidecar say otherwise, the brain was found with the
tool that the sidecar names, and the result was compared with the acquired data. The volumes are
super-resolved images, not measurements at a higher resolution: the sidecars and quality pages
say how far each agrees with its scan. Dataset organised after BIDS (Gorgolewski et al.,
Scientific Data 2016, 3, 160044).
"""


def read_description(dataset: Path) -> dict[str, Any]:
    """The description of a raw dataset.

    Raises:
        InputError: not a BIDS dataset, DICOM, a derivative; the message says what to give instead.
    """
    if not dataset.is_dir():
        raise InputError(f"There is no folder {dataset}; give the folder of a BIDS dataset.")
    path = dataset / DESCRIPTION
    if not path.is_file():
        if _holds_dicom(dataset):
            raise InputError(
                f"{dataset} holds DICOM files, not a BIDS dataset; convert it first (dcm2bids, HeuDiConv or BIDScoin)."
            )
        subjects = any(entry.name.startswith("sub-") for entry in os.scandir(dataset))
        hint = "add it (it names the dataset and the BIDS version)" if subjects else "give the folder that holds it"
        raise InputError(f"{dataset} has no {DESCRIPTION}, so it is no BIDS dataset; {hint}.")
    description = _read_json(path)
    if description is None or not isinstance(description.get("BIDSVersion"), str):
        raise InputError(f"{path} is no description of a BIDS dataset (a JSON object with Name and BIDSVersion).")
    if description.get("DatasetType", "raw") != "raw":
        raise InputError(
            f"{dataset} is a {description['DatasetType']} dataset, so its scans are processed already; "
            "give the raw dataset."
        )
    return description


def check_places(dataset: Path, output: Path) -> None:
    """Refuse an output folder that would become part of the input.

    Raises:
        OutputError: the folders are the same, or one lies in the other (a place in derivatives/ is welcome).
    """
    source, target = Path(os.path.realpath(dataset)), Path(os.path.realpath(output))
    if source == target or target in source.parents:
        raise OutputError(f"The output folder {output} holds the dataset itself; choose another.")
    if source in target.parents and target.relative_to(source).parts[0] != "derivatives":
        raise OutputError(
            f"The output folder {output} lies inside the dataset and would become part of it; choose one outside, "
            f"or {dataset / 'derivatives' / 'charmssr'}."
        )
    if target == source / "derivatives":
        raise OutputError(f"{output} is for the derivatives of all tools; choose {output / 'charmssr'}.")


def prepare_output(dataset: Path, output: Path, description: dict[str, Any], checkpoint: dict[str, Any]) -> None:
    """Make the folder of the derivatives with what describes it; an existing one of ours is kept as it is.

    Args:
        dataset: folder of the raw dataset.
        output: folder of the derivatives.
        description: of the raw dataset, its dataset_description.json.
        checkpoint: card of the checkpoint, for the text to cite.

    Raises:
        OutputError: the folder cannot be written, or it holds something else.
    """
    from ..files.output_files import OutputFiles, check_folder

    try:
        output.mkdir(parents=True, exist_ok=True)
        # Listed before anything is looked for: on a network file system this shows what another machine has just made.
        there = sorted(os.listdir(output))
    except OSError as error:
        raise OutputError(
            f"The folder {output} cannot be created: {error.strerror or error}. Choose another."
        ) from None
    if DESCRIPTION in there:
        if not _is_ours(_read_json(output / DESCRIPTION)):
            raise OutputError(f"{output} holds a dataset that CHARMSSR did not make; choose another folder.")
        check_folder(output)
        return
    check_folder(output)
    foreign = [name for name in there if not name.startswith(".") and name not in ("logs", "README")]
    if foreign:
        raise OutputError(f"{output} holds other files ({foreign[0]}, ...); choose an empty or a new folder.")
    cite = CITATION.format(
        scans="These scans were", version=__version__, checkpoint=checkpoint["name"], sha256=checkpoint["sha256"]
    )
    logs = output / "logs"
    with OutputFiles(overwrite=True) as files:
        if not logs.is_dir():
            logs.mkdir(exist_ok=True)
        files.add_text(cite, logs / "CITATION.txt")
        files.add_text(IGNORED, output / ".bidsignore")
        files.add_text(_readme(description), output / "README")
        files.add_json(derivative_description(dataset, output, description), output / DESCRIPTION)
        files.commit()


def check_own_output(output: Path) -> None:
    """Refuse a folder that holds no results of this program.

    Raises:
        OutputError: it does not, or it cannot be written.
    """
    from ..files.output_files import check_folder

    if not _is_ours(_read_json(output / DESCRIPTION)):
        raise OutputError(f"{output} holds no results of CHARMSSR; run the participant level first.")
    check_folder(output)


def _is_ours(description: Optional[dict[str, Any]]) -> bool:
    tools = (description or {}).get("GeneratedBy") or []
    return any(isinstance(tool, dict) and tool.get("Name") == TOOL for tool in tools)


def derivative_description(dataset: Path, output: Path, description: dict[str, Any]) -> dict[str, Any]:
    """What dataset_description.json of the derivative says."""
    made_by: dict[str, Any] = {
        "Name": TOOL,
        "Version": __version__,
        "Description": "Super-resolution of brain MRI with the network CHARMS",
        "CodeURL": _CODE,
    }
    container = running_container()
    if container:
        made_by["Container"] = container
    source: dict[str, Any] = {"URL": dataset.resolve().as_uri()}
    if isinstance(description.get("DatasetDOI"), str):
        source["DOI"] = description["DatasetDOI"]
    return {
        "Name": f"CHARMSSR: {description.get('Name') or dataset.resolve().name}, super-resolved",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [made_by],
        "SourceDatasets": [source],
        "DatasetLinks": {"raw": dataset.resolve().as_uri()},
        "HowToAcknowledge": "See logs/CITATION.txt.",
    }


def running_container() -> Optional[dict[str, str]]:
    """The container that this process runs in, as GeneratedBy describes it; None outside of one."""
    tag = os.environ.get("CHARMSSR_CONTAINER", "")
    image = os.environ.get("APPTAINER_CONTAINER") or os.environ.get("SINGULARITY_CONTAINER")
    if image:
        return {"Type": "apptainer", "Tag": tag or Path(image).name}
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return {"Type": "docker", "Tag": tag or "unknown"}
    # Kubernetes, or a read-only Podman: the recipe of Docker is the only other one that sets the tag.
    return {"Type": "docker", "Tag": tag} if tag else None


def _readme(description: dict[str, Any]) -> str:
    return (
        f"Super-resolved scans of {description.get('Name') or 'a BIDS dataset'}, made by CHARMSSR {__version__}.\n\n"
        "sub-*/[ses-*/]anat/*_desc-charms_*.nii.gz  the enhanced scans; what was done is in the .json beside each\n"
        "sub-*/[ses-*/]anat/*_mask.nii.gz           where the result holds\n"
        "sub-*.html, group.html, group.tsv          quality pages and table\n"
        "logs/                                      what happened to each scan; the text to cite\n"
    )


def _holds_dicom(folder: Path) -> bool:
    """Whether one of the first files of a folder, or of its first subfolders, is DICOM."""
    from ..files.dicom_header import is_dicom

    looked = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names)[:3]:
            looked += 1
            try:
                if name == "DICOMDIR" or is_dicom(Path(place) / name):
                    return True
            except (OSError, InputError):
                continue
        if looked > 50:
            break
    return False


def _read_json(path: Path) -> Optional[dict[str, Any]]:
    try:
        data = json.loads(read_now(path))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
