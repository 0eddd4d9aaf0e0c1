"""Writes the figures of ``charmssr evaluate`` into a model card, under "evaluation".

    charmssr evaluate NAME --data PREPARED --slices 12 --degradation bicubic kspace blur clinical --output TABLE.csv
    python -m CHARMSSRLab.documents.card_evaluation TABLE.csv CHARMSSRLib/checkpoints/NAME.json --slices 12

Of a volume that was sliced in several planes the first counts: axial for the isotropic ones. The
noise rule's figures (``noise_amplification``) are measured here and stand beside them.
"""

import argparse
import csv
import json
from pathlib import Path

from CHARMSSRLib.checkpoints.loading import load_checkpoint

from ..comparison.protocol import BICUBIC
from ..whole_volume.noise import noise_amplification

NOISE = ((None, 0.0), (0.02, 0.5), (0.05, 0.5))  # (SD, signal): pure noise, noise on even tissue


def figures(rows, name):
    """{degradation: {contrast: figures}} of a table's rows."""
    pairs = {}
    for row in rows:
        key = (row["degradation"], row["contrast"], row["subject"])
        planes = pairs.setdefault(key, {})
        planes.setdefault(row["plane"], {})[row["method"]] = row
    result = {}
    for (degradation, contrast, _), planes in pairs.items():
        methods = planes[sorted(planes)[0]]  # "axial" comes first
        result.setdefault(degradation, {}).setdefault(contrast, []).append((methods[name], methods[BICUBIC]))
    return {d: {c: _means(subjects) for c, subjects in by.items()} for d, by in result.items()}


def _means(subjects):
    def mean(which, figure):
        return sum(float(pair[which][figure]) for pair in subjects) / len(subjects)

    gains = [float(own["brain_psnr"]) - float(base["brain_psnr"]) for own, base in subjects]
    return {
        "subjects": len(subjects),
        "psnr": round(mean(0, "brain_psnr"), 2), "bicubic_psnr": round(mean(1, "brain_psnr"), 2),
        "ssim": round(mean(0, "brain_ssim"), 4), "bicubic_ssim": round(mean(1, "brain_ssim"), 4),
        "gain": round(sum(gains) / len(gains), 2), "least_gain": round(min(gains), 2),
    }  # fmt: skip


def write(table, path, slices=None):
    """Put the figures of a table (CSV of ``charmssr evaluate``) and of the noise rule into a card.

    Args:
        table: path of the CSV.
        path: of the card, whose weights lie beside it.
        slices: as given to ``charmssr evaluate``.
    """
    card = json.loads(path.read_text(encoding="utf-8"))
    with open(table, newline="", encoding="utf-8") as file:
        measured = figures(list(csv.DictReader(file)), card["name"])
    part = f"the central {slices} slices" if slices else "all slices with enough brain"
    option = f" --slices {slices}" if slices else ""
    network = load_checkpoint(path.with_suffix(".safetensors")).network
    card["evaluation"] = {
        "protocol": f"brain-masked 3-D PSNR (dB) and SSIM on {part} of every val volume (isotropic ones: axial), range"
        " the 99.9th percentile of the reference; mean over subjects; least gain of a subject in PSNR",
        "command": f"charmssr evaluate {card['name']} --data PREPARED{option} --degradation {' '.join(measured)}",
        **measured,
        "noise": [
            # Four digits, not decimals: what a good network adds is small.
            {key: value if value is None else float(f"{value:.4g}") for key, value in one.items()}
            for one in (noise_amplification(network, card, sigma, signal) for sigma, signal in NOISE)
        ],
    }
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("card", type=Path)
    parser.add_argument("--slices", type=int, help="as given to charmssr evaluate")
    arguments = parser.parse_args()
    write(arguments.table, arguments.card, arguments.slices)


if __name__ == "__main__":
    main()
