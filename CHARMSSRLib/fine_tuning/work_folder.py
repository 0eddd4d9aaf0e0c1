"""The folder beside the result in which a fine-tuning works. Free of torch: the panel reads it too.

It holds the slices of each registered pair and the state of each run, and goes when the result is
there. A run that was killed leaves it, and its best checkpoint at the result's own place: the same
call goes on from there, ``discard_work`` removes what is left.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..checkpoints.registry import BUNDLED_FOLDER, sha256_of, user_checkpoint_folder
from ..errors import OutputError, SettingsError
from ..files.atomic import replacing_all

if TYPE_CHECKING:
    from ..settings import FineTuningSettings
    from .pairs.pair import Pair

SUFFIX = ".fine-tuning"


def result_folder(folder: Path | str = "") -> Path:
    """Where a setting's folder is: "" means the user's checkpoint folder (Path)."""
    return Path(folder) if folder else user_checkpoint_folder()


def work_folder_of(name: str, folder: Path | str = "") -> Path:
    """The folder in which the fine-tuning of a checkpoint's name works (Path)."""
    return result_folder(folder) / f"{name}{SUFFIX}"


def result_files(name: str, folder: Path | str = "") -> tuple[Path, ...]:
    """The files of a result: weights, card, report and page (Paths)."""
    base = result_folder(folder)
    return tuple(base / f"{name}{ending}" for ending in (".safetensors", ".json", ".report.json", ".report.html"))


def check_result(name: str, folder: Path | str = "", overwrite: bool = False) -> None:
    """Make sure, before any work, that the checkpoint can be written; a missing folder is made.

    Args:
        name: of the checkpoint.
        folder: as in the settings; "" for the user's folder of checkpoints.
        overwrite: whether one of the same name may be replaced.

    Raises:
        SettingsError: the name is that of a bundled checkpoint.
        OutputError: files of the name exist (other than what a killed run of the same name left), or
            the folder cannot be written.
    """
    from ..files.output_files import check_target

    if (BUNDLED_FOLDER / f"{name}.safetensors").exists():
        raise SettingsError(f"{name!r} is the name of a checkpoint that comes with CHARMSSR; choose another name.")
    base = result_folder(folder)
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {base} cannot be made: {error.strerror}. Choose another folder.") from error
    for path in result_files(name, folder):
        check_target(path, overwrite or _is_unfinished(name, folder))


def _is_unfinished(name, folder):
    """Whether the checkpoint of this name is the best so far of a run that can go on."""
    published = _sha_in(result_files(name, folder)[1])
    cards = work_folder_of(name, folder).glob("run-*/best-*/*.json")
    return published is not None and published in [_sha_in(card) for card in cards]


def best_so_far(run_folder: Path | str) -> Path | None:
    """Weights of the newest complete best checkpoint in a run's folder; None when there is none (Path)."""
    for folder in sorted(Path(run_folder).glob("best-*"), reverse=True):
        for weights in folder.glob("*.safetensors"):
            if _sha_in(weights.with_suffix(".json")) == sha256_of(weights):
                return weights
    return None


def publish(weights: Path, name: str, folder: Path | str = "") -> Path:
    """Put a run's best checkpoint where the result belongs: a kill at any later moment leaves it there.

    Args:
        weights: Path of a file in the work folder, its card beside it.
        name: of the result.
        folder: as for ``check_result``.

    Returns:
        Path of the weights there.

    Raises:
        OutputError: it cannot be written.
    """
    target = result_files(name, folder)[0]
    try:
        with replacing_all(target, target.with_suffix(".json")) as (weights_partial, card_partial):
            shutil.copyfile(weights, weights_partial)
            shutil.copyfile(weights.with_suffix(".json"), card_partial)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror}. Choose another folder.") from error
    return target


def discard_work(name: str, folder: Path | str = "") -> None:
    """Remove what a killed fine-tuning of this name left to go on from; its best checkpoint stays."""
    shutil.rmtree(work_folder_of(name, folder), ignore_errors=True)


def _sha_in(card_path):
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads(card_path.read_text(encoding="utf-8"))["sha256"]
    return None


def identity_of(pair: Pair, settings: FineTuningSettings, card: dict) -> str:
    """Text that names the slices of a pair: its voxels and all that decides what becomes of them.

    Args:
        pair: Pair.
        settings: FineTuningSettings.
        card: of the checkpoint that it starts from.
    """
    digest = hashlib.sha256()
    decisive = [settings.bias_correction, settings.skull_strip, card["scale"], card["intensity"], card["margin"]]
    digest.update(json.dumps([pair.subject, pair.contrast, decisive]).encode())
    sources = (pair.image_3t, pair.image_7t, pair.mask_3t)
    # A large file is known by its state; what lies in the memory or in a message by its voxels.
    contents = map(_state_of, sources) if all(_is_file(one) for one in sources) else map(_voxels_of, pair.load())
    for content in contents:
        digest.update(b"\0" + content)
    label = re.sub(r"[^A-Za-z0-9]+", "-", f"{pair.subject}-{pair.contrast}").strip("-")[:40]
    return f"{label}-{digest.hexdigest()[:16]}"


def _is_file(source):
    return source is None or isinstance(source, (str, os.PathLike))


def _state_of(source):
    if source is None:
        return b"none"
    path = Path(source)
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return repr([(str(one.resolve()), one.stat().st_mtime_ns, one.stat().st_size) for one in files]).encode()


def _voxels_of(image):
    if image is None:
        return b"none"
    import SimpleITK as sitk

    geometry = (image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection(), image.GetPixelID())
    return repr(geometry).encode() + hashlib.sha256(sitk.GetArrayViewFromImage(image).tobytes()).digest()
