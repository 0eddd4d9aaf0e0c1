"""Trains the network of the built-in skull-strip.

    python -m CHARMSSRLab.skull_strip.train_builtin DATA OUTPUT [--without SOURCE]

DATA is a folder with manifest.csv (columns file, subject, split, contrast, skull, licence) and its
volumes. Labels are deepbet's masks (it must be installed) where they pass the plausibility gates;
those of T2w and FLAIR volumes were looked at. One thread, about a quarter of an hour. The card
beside the weights gets its validation figures from ``score_builtin``.
"""

import argparse
import csv
import hashlib
import json
import logging
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from CHARMSSRLib.grids.orientation import LPSFrame, bounding_box
from CHARMSSRLib.preprocessing.head_mask import head_mask
from CHARMSSRLib.preprocessing.plausibility import mask_warnings
from CHARMSSRLib.preprocessing.skull_strip import deepbet_backend
from CHARMSSRLib.preprocessing.skull_strip.builtin import SPACING_MM
from CHARMSSRLib.preprocessing.skull_strip.builtin_network import CHANNELS, StripUNet

from .builtin_augmentation import random_example

# The heads are kept finer than the network's grid, which samples them anew for each example.
_FINE_MM = 2.0
_MARGIN_MM = 20.0
_LEARNING_RATE = 3e-3
# Exponential average of the weights: single examples are noisy.
_AVERAGE = 0.99
# A missed brain voxel costs this many times a false one.
_MISS_COST = 1.5

CREDITS = (
    "OpenfMRI ds000011 (Foerde et al. 2006, PDDL); Aphasia Recovery Cohort, OpenNeuro ds004884 (Gibson et al. 2024, "
    "CC0); 3D MR image database of multiple sclerosis patients (Lesjak et al. 2016, CC-BY)"
)

log = logging.getLogger(__name__)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path, help="weights file (.safetensors) to write")
    parser.add_argument("--without", default=None, help="leave out volumes whose subject starts with this")
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labels", type=Path, default=None, help="folder that keeps the labels between runs")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    heads = training_heads(options.data, options.without, options.labels)
    begun = time.monotonic()
    network = train(heads, options.steps, options.seed)
    weights = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, str(options.output))
    write_card(options.output, heads, options.without, options.steps, options.seed, time.monotonic() - begun)


def write_card(weights, heads, without, steps, seed, seconds):
    """The model card beside ``weights``, still without validation figures."""
    volumes = {}
    for head in heads:
        volumes.setdefault(head["subject"], []).append(head["contrast"])
    left_out = f" --without {without}" if without else ""
    card = {
        "format": 1,
        "task": "skull-strip",
        "name": weights.stem,
        "title": "Built-in skull-strip: a small 3-D U-Net on a 3 mm grid",
        "architecture": {"channels": list(CHANNELS)},
        "spacing_mm": SPACING_MM,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "training_data": {
            "whole_heads": volumes,
            "credits": CREDITS,
            "labels": "masks of deepbet 1.0 (MIT licence) that pass the plausibility gates",
        },
        "training": {
            "command": "python -m CHARMSSRLab.skull_strip.train_builtin DATA "
            f"{weights.name} --steps {steps} --seed {seed}{left_out}",
            "seed": seed,
            "steps": steps,
            "seconds": round(seconds),
            "hardware": "CPU, 1 thread",
            "torch": torch.__version__,
        },
        "licence": "Apache-2.0",
        "intended_use": "Finds the brain in T1w, T2w and FLAIR head scans, to mask them and to steer their processing.",
        "limits": "Not a medical device. Learned from few heads and from another tool's masks: look at the mask. "
        "Scans of children, of other contrasts, or tilted by more than about 30 degrees were not tried.",
    }
    weights.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def training_heads(data, without, labels):
    """The whole heads of the training split, ready for :func:`random_example`."""
    with open(data / "manifest.csv", encoding="utf-8") as table:
        rows = [
            row
            for row in csv.DictReader(table)
            if row["split"] == "train"
            and row["skull"] == "whole head"
            and not (without and row["subject"].startswith(without))
        ]
    heads = []
    for row in rows:
        image = sitk.ReadImage(str(data / row["file"]), sitk.sitkFloat32)
        brain = _label(row, image, labels)
        warnings = mask_warnings(brain, head_mask(image))
        if warnings:
            log.info("%s left out: %s", row["file"], " ".join(warnings))
            continue
        heads.append(_prepared(image, brain, row["subject"], row["contrast"]))
        log.info("%s ready", row["file"])
    return heads


def _label(row, image, labels):
    kept = labels / Path(row["file"]).name if labels is not None else None
    if kept is not None and kept.is_file():
        return sitk.ReadImage(str(kept), sitk.sitkUInt8)
    brain = deepbet_backend.strip(image, head_mask(image))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(brain, str(kept))
    return brain


def _prepared(image, brain, subject, contrast):
    frame = LPSFrame(image)
    upright, upright_brain, head = (frame.enter(each) for each in (image, brain, head_mask(image)))
    bright = np.percentile(sitk.GetArrayViewFromImage(upright)[sitk.GetArrayViewFromImage(head) > 0], 99)
    box = bounding_box(sitk.GetArrayViewFromImage(head))
    spacing = np.array(upright.GetSpacing())
    low = np.array([axis.start for axis in box[::-1]]) * spacing - _MARGIN_MM
    high = np.array([axis.stop for axis in box[::-1]]) * spacing + _MARGIN_MM
    # The top of the volume is the top of the head (the augmentation relies on it).
    high[2] -= _MARGIN_MM
    grid = sitk.Image([int(np.ceil(length / _FINE_MM)) for length in high - low], sitk.sitkFloat32)
    grid.SetSpacing([_FINE_MM] * 3)
    grid.SetOrigin((high - np.array(grid.GetSize()) * _FINE_MM + _FINE_MM / 2).tolist())
    smooth = sitk.SmoothingRecursiveGaussian(upright, [max(0.5, 0.3 * _FINE_MM)] * 3)
    on_grid = {"image": (smooth, 1.0 / bright), "brain": (upright_brain, 1.0), "head": (head, 1.0)}
    prepared = {"spacing": _FINE_MM, "subject": subject, "contrast": contrast}
    for name, (source, factor) in on_grid.items():
        resampled = sitk.Resample(sitk.Cast(source, sitk.sitkFloat32), grid, sitk.Transform(), sitk.sitkLinear, 0.0)
        prepared[name] = torch.from_numpy(sitk.GetArrayFromImage(resampled) * np.float32(factor))[None, None]
    return prepared


def train(heads, steps, seed):
    """Trains from scratch on one thread; returns the averaged network in eval mode."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = StripUNet()
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(_AVERAGE)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps, pct_start=0.1)
    chances = _balanced_chances(heads)
    begun, recent = time.monotonic(), []
    for step in range(1, steps + 1):
        index = int(torch.multinomial(chances, 1, generator=generator))
        image, brain = random_example(heads[index], generator)
        # Half the time in bfloat16, and no worse: the loss stays in float32.
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(image)
        loss = _loss(logits.float(), brain)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        recent.append(loss.item())
        if step % 50 == 0:
            log.info("step %d loss %.4f, %.0f s", step, np.mean(recent), time.monotonic() - begun)
            recent = []
    return average.module.eval()


def _balanced_chances(heads):
    """Every contrast of every source counts alike but for the square root of its volumes."""
    groups = [(head["subject"].split("_")[0], head["contrast"]) for head in heads]
    return torch.tensor([groups.count(group) ** -0.5 for group in groups])


def _loss(logits, target):
    probability = torch.sigmoid(logits)
    overlap = (probability * target).sum()
    dice = 1 - (2 * overlap + 1) / (probability.sum() + target.sum() + 1)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(_MISS_COST))
    return dice + cross_entropy


if __name__ == "__main__":
    main()
