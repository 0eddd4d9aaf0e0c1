"""One training run from its configuration file to a checkpoint with its card."""

import logging
import time
from pathlib import Path

import torch

from CHARMSSRLib.checkpoints.loading import load_checkpoint, save_checkpoint
from CHARMSSRLib.checkpoints.registry import CARD_FORMAT
from CHARMSSRLib.errors import InputError, SettingsError
from CHARMSSRLib.machine.devices import hardware

from .degradation_list import degradation
from .prepared import load_prepared
from .sources import SOURCES, source_of
from .trainer import train

logger = logging.getLogger(__name__)

CARD_MARGIN = 16  # LR pixels around the brain that the network sees: its receptive field's useful part
INTENSITY = {"minmax": {"kind": "minmax"}, "percentile": {"kind": "percentile", "upper": 99.9}}


def run_training(config, prepared, folder, output=None, command="", device="cpu", progress=None, is_cancelled=None):
    """Train a configuration on a prepared folder; a CHARMS run becomes a checkpoint.

    Args:
        config: TrainingConfig.
        prepared: folder of ``charmssr prepare``.
        folder: of the run (state, log, plot).
        output: folder of the checkpoint, or None to write none.
        command: the command line, for the card.
        device: where torch computes.
        progress: called with (fraction 0 to 1, message).
        is_cancelled: asked between the parts; None never cancels.

    Returns:
        (TrainingResult, path of the weights or None).
    """
    volumes = [load_prepared(path) for path in sorted(Path(prepared).glob("*.npz"))]
    parts = {split: [v for v in volumes if v.split == split] for split in ("train", "val")}
    if not parts["train"]:
        raise InputError(f"{prepared} holds no prepared training volume; run 'charmssr prepare' first.")
    # One plane per volume is enough to watch a run.
    watched = list({(v.subject, v.contrast): v for v in reversed(parts["val"])}.values())
    started_from = ancestor(config.initial)
    result = train(config, parts["train"], watched, folder, device, progress, is_cancelled)
    first = not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0
    if output is None or not first:  # of several processes one writes
        return result, None
    if config.method != "charms":
        raise SettingsError("Only CHARMS becomes a checkpoint; leave the output out for a compared method.")
    card = trained_card(config, result, parts["train"], watched, command, device, started_from)
    return result, save_checkpoint(result.network, card, output, half=True)


def ancestor(initial):
    """Which weights a run starts from and how those were made: a later checkpoint may take their place and name.

    To be asked before the run ends, which may write a checkpoint of that name.
    """
    if initial is None:
        return None
    card = load_checkpoint(initial).card
    return {key: card[key] for key in ("name", "sha256", "training") if key in card}


def trained_card(config, result, train_volumes, validation_volumes, command, device, started_from=None):
    """The model card of a finished run; ``started_from`` is its ``ancestor``."""
    gain = result.validation.get("psnr", float("nan")) - result.validation.get("bicubic_psnr", float("nan"))
    preliminary = torch.device(device).type == "cpu" or result.steps < config.steps
    trained_on = degradation(config.degradation)
    return {
        "format": CARD_FORMAT,
        "name": config.name,
        "title": f"CHARMS x{config.scale}, {trained_on.title}" + (" (preliminary)" if preliminary else ""),
        "summary": _summary(config, gain, preliminary),
        "preliminary": preliminary,
        "seen_7t": False,
        "degradations": [trained_on.name],
        "data_consistency_operator": trained_on.operator,
        "intensity": INTENSITY[config.normalisation],
        "margin": CARD_MARGIN,
        "training_data": _data_of(train_volumes),
        "validation_data": _data_of(validation_volumes),
        "training": {
            "command": command, "configuration": config.to_dict(), "seed": config.seed, "steps": result.steps,
            "hardware": hardware(device), "seconds": round(result.seconds), "torch": torch.__version__,
            "exponential_average_kept": result.used_ema, "date": time.strftime("%Y-%m-%d"),
            **({"started_from": started_from} if started_from else {}),
        },
        "validation": {
            "protocol": f"brain-masked PSNR, {config.validation_slices} slices per val volume, range 99.9th percentile,"
            f" degradation {config.degradation}; mean over volumes",
            "psnr_db": round(result.validation.get("psnr", float("nan")), 3),
            "bicubic_psnr_db": round(result.validation.get("bicubic_psnr", float("nan")), 3),
        },
        "licence": "Apache-2.0",
        "intended_use": "Research. Sharper display and analysis of T1w and T2w brain MRI at about 1 to 2 mm in plane.",
        "limits": "Not a medical device, not for diagnosis. Has not seen 7T data: the result is super-resolved, not"
        " 7T-like. Detail beyond the input's resolution is estimated; check it against the input.",
    }  # fmt: skip


def _summary(config, gain, preliminary):
    purpose = degradation(config.degradation).purpose
    ending = "; preliminary" if preliminary else ""
    return f"x{config.scale}, {purpose}: {gain:+.1f} dB over bicubic on validation data{ending}"


def _data_of(volumes):
    used = {source_of(v.subject) for v in volumes}
    return [
        {
            "name": source.name, "licence": source.licence, "attribution": source.attribution,
            "subjects": len({v.subject for v in volumes if source_of(v.subject) == source}),
            "contrasts": sorted({v.contrast for v in volumes if source_of(v.subject) == source}),
        }
        for source in SOURCES if source in used
    ]  # fmt: skip
