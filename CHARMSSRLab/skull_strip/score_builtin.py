"""Scores the built-in skull-strip against deepbet and writes the figures into its card.

    python -m CHARMSSRLab.skull_strip.score_builtin DATA WEIGHTS --volumes NAME ... [--card CARD.json]

Both see the same bias-corrected volume, as in the preprocessing. deepbet must be installed.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from CHARMSSRLib.preprocessing.pipeline import preprocess
from CHARMSSRLib.preprocessing.plausibility import mask_warnings, volume_ml
from CHARMSSRLib.preprocessing.skull_strip import builtin, deepbet_backend

log = logging.getLogger(__name__)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--volumes", nargs="+", required=True)
    parser.add_argument("--card", type=Path, default=None, help="card to write the figures into")
    parser.add_argument("--title", default="validation", help="under which key of its validation figures")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    figures = {name: score(options.data / "volumes" / f"{name}.nii.gz", options.weights) for name in options.volumes}
    if options.card is not None:
        card = json.loads(options.card.read_text(encoding="utf-8"))
        validation = card.setdefault("validation", {})
        validation["protocol"] = (
            "Dice against the mask of deepbet 1.0 on the same bias-corrected volume, and the "
            "share of that mask which is lost"
        )
        validation[options.title] = figures
        options.card.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def score(path, weights):
    """Dice, lost share, volumes and seconds for one volume."""
    prepared = preprocess(sitk.ReadImage(str(path), sitk.sitkFloat32), skull_strip="none")
    begun = time.process_time()
    mask = builtin.strip_with(weights, prepared.image, prepared.head)
    seconds = time.process_time() - begun
    reference = deepbet_backend.strip(prepared.image, prepared.head)
    ours, theirs = sitk.GetArrayFromImage(mask) > 0, sitk.GetArrayFromImage(reference) > 0
    common = np.count_nonzero(ours & theirs)
    figures = {
        "dice": round(2.0 * common / (np.count_nonzero(ours) + np.count_nonzero(theirs)), 4),
        "lost": round(1.0 - common / np.count_nonzero(theirs), 4),
        "volume_ml": round(volume_ml(mask)),
        "deepbet_volume_ml": round(volume_ml(reference)),
        "seconds": round(seconds, 1),
    }
    warnings = mask_warnings(mask, prepared.head)
    log.info("%s: %s %s", path.name, figures, " ".join(warnings))
    if mask_warnings(reference, prepared.head):
        figures["note"] = "deepbet's own mask is implausible here"
    return figures


if __name__ == "__main__":
    main()
