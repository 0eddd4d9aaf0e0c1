"""Tables 5-8: fine-tune on the pairs of PTT1, test on those of PTT2, which another site acquired.

A checkpoint is tuned for each contrast: what 7T makes of T1w and of T2w intensities are two
different maps. Pairs are prepared, registered and scored by ``training.fine_tuning``.
"""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.checkpoints.registry import find_weights, read_card, sha256_of
from CHARMSSRLib.errors import Cancelled, InputError, PairError
from CHARMSSRLib.fine_tuning.automatic_values import Plan
from CHARMSSRLib.fine_tuning.fine_tune import fine_tune
from CHARMSSRLib.fine_tuning.pairs.registration import register_pair
from CHARMSSRLib.fine_tuning.report.intensity_match import MonotoneMap
from CHARMSSRLib.fine_tuning.report.scores import TUNED, UNTUNED, PairScorer
from CHARMSSRLib.fine_tuning.slices import write_slices
from CHARMSSRLib.measures.fidelity import slice_psnr, slice_ssim
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT, FineTuningSettings
from CHARMSSRLib.task import Task

from ..comparison.protocol import central_slices
from .paired import pairs_of
from .parts import fingerprint, read_part, state_of, write_part
from .published import FS_RWKV_SLICES

logger = logging.getLogger(__name__)

FOLDER = "cross-field"


@dataclass(frozen=True)
class CrossField:
    """The experiment on one contrast.

    Attributes:
        contrast: "T1w" or "T2w".
        training: Found of PTT1, or None with ``score_only``. test: Found of PTT2.
        checkpoint: what is tuned; with ``score_only`` what is scored.
        score_only: score the checkpoint as it is.
        steps, learning_rate: of the fine-tuning; 0 for automatic.
        hold_out: subjects of PTT1 that choose the step that is kept. seed, device, skull_strip: as named.
    """

    contrast: str
    test: object
    training: Optional[object] = None
    checkpoint: str = DEFAULT_CHECKPOINT
    score_only: bool = False
    steps: int = 0
    learning_rate: float = 0.0
    hold_out: int = 2
    seed: int = 0
    device: str = "auto"
    skull_strip: str = "auto"


@dataclass
class CrossFieldResult:
    """What came of one contrast.

    Attributes:
        contrast: of the experiment.
        rows: list of dicts (subject, contrast, method, figures) of PTT2's pairs.
        left_out: list of (pair, reason) of PTT2.
        tuning: report of the fine-tuning (dict), or None.
        checkpoint: file name of the tuned weights, or None when nothing was gained.
    """

    contrast: str
    rows: list
    left_out: list
    tuning: Optional[dict]
    checkpoint: Optional[str]


def run_cross_field(experiment, output, task=None):
    """Fine-tune and test one contrast; finished parts are taken as they are.

    Args:
        experiment: CrossField.
        output: folder; all goes into its subfolder FOLDER.
        task: progress and cancelling; None for nobody's.

    Returns:
        CrossFieldResult.

    Raises:
        InputError: too few pairs of the contrast. PairError: none of them can be used.
        Cancelled: the next call goes on.
    """
    folder, task = Path(output) / FOLDER, task or Task()
    folder.mkdir(parents=True, exist_ok=True)
    tests = pairs_of(experiment.test, experiment.contrast)
    if not tests:
        raise InputError(f"{experiment.test.name} holds no complete {experiment.contrast} pair.")
    tuning, tuned, fitted = None, experiment.checkpoint, None
    if not experiment.score_only:
        done = _tune(experiment, folder, task.part(0.0, 0.7))
        tuning, fitted = done["report"], done["intensity_map"]
        tuned = None if done["checkpoint"] is None else str(folder / done["checkpoint"])
    rows, left_out = _test(experiment, tests, tuned, fitted, folder, task.part(0.7, 1.0))
    if not rows:
        raise PairError(f"No {experiment.contrast} pair of {experiment.test.name} can be used: {left_out[0][1]}")
    name = None if tuned is None else Path(find_weights(tuned)).name
    return CrossFieldResult(experiment.contrast, rows, left_out, tuning, name)


def _tune(experiment, folder, task):
    """{"report", "checkpoint" (file name, or None when nothing was gained), "intensity_map"}: done, or done now."""
    pairs = pairs_of(experiment.training, experiment.contrast)
    if len({pair.subject for pair in pairs}) < 2:
        raise InputError(
            f"{experiment.training.name} holds {len(pairs)} complete {experiment.contrast} pair(s); fine-tuning needs"
            " two subjects at least, one of them to choose the step that is kept."
        )
    card = read_card(experiment.checkpoint)
    settings = FineTuningSettings(
        name=f"charms-x{card['scale']}-7t-{experiment.contrast}", folder=str(folder), checkpoint=experiment.checkpoint,
        learning_rate=experiment.learning_rate, steps=experiment.steps, seed=experiment.seed,
        hold_out=min(experiment.hold_out, len({pair.subject for pair in pairs}) - 1), device=experiment.device,
        skull_strip=experiment.skull_strip, overwrite=True,
    )  # fmt: skip
    made_of = fingerprint(settings=vars(settings) | {"folder": ""}, base=card["sha256"],
                          pairs=[_pair_state(pair) for pair in pairs])  # fmt: skip
    marker = folder / f"tuning-{experiment.contrast}.json"
    done = read_part(marker, made_of)
    if done is None or not (done["checkpoint"] is None or (folder / done["checkpoint"]).is_file()):

        def tell(fraction, message):
            if task.is_cancelled():
                raise _Stopped
            task.tell(fraction, message)

        try:
            result = fine_tune(pairs, settings, tell, command="charmssr reproduce")
        except _Stopped:
            raise Cancelled("The fine-tuning was stopped; start the command again to go on.") from None
        path = result.checkpoint_path
        fitted = result.intensity_maps[experiment.contrast]
        done = {
            "report": result.report, "checkpoint": None if path is None else Path(path).name,
            "intensity_map": {"knots": fitted.knots, "values": fitted.values},
        }  # fmt: skip
        write_part(marker, made_of, done)
    return done


class _Stopped(Exception):
    """Leaves ``fine_tune`` as a kill would: pairs and states that it wrote stay, and the next call goes on."""


def _test(experiment, pairs, tuned, fitted, folder, task):
    """(rows, left out) of the test pairs, one after the other; each is kept when it is done."""
    base = load_checkpoint(experiment.checkpoint)
    networks = {TUNED: load_checkpoint(tuned).network} if tuned is not None else {}
    if not experiment.score_only:
        networks = {UNTUNED: base.network, **networks}
    settings = FineTuningSettings(seed=experiment.seed, device=experiment.device, skull_strip=experiment.skull_strip)
    plan = Plan.of(settings)
    intensity_map = fitted and MonotoneMap(np.array(fitted["knots"]), np.array(fitted["values"]))
    weights = [sha256_of(find_weights(one)) for one in (experiment.checkpoint, tuned) if one is not None]
    rows, left_out = [], []
    for number, pair in enumerate(pairs):
        task.check("Scoring was stopped; start the command again to go on.")
        made_of = fingerprint(pair=_pair_state(pair), weights=weights, methods=list(networks), seed=experiment.seed,
                              skull_strip=experiment.skull_strip, map=fitted)  # fmt: skip
        marker = folder / "test" / f"{pair.subject}_{pair.contrast}.json"
        done = read_part(marker, made_of)
        if done is None:
            task.tell(number / len(pairs), f"Testing {pair.name}")
            done = _score(pair, settings, plan, base.card, networks, intensity_map, marker.with_suffix(""), task)
            write_part(marker, made_of, done)
        rows += done["rows"]
        if done["reason"]:
            left_out.append((pair.name, done["reason"]))
    return rows, left_out


def _score(pair, settings, plan, card, networks, intensity_map, work, task):
    """{"rows", "reason"} of one test pair; its slices are on the disk only meanwhile."""
    slices, asked = None, Task(is_cancelled=task.is_cancelled)  # the bar goes by pairs
    try:
        registered = register_pair(pair, settings, asked)
        slices = write_slices(registered, card, work)
        scorer = PairScorer(slices, slices.usable)
        scorer.score_baselines(intensity_map)
        for method, network in networks.items():
            scorer.score_network(method, network, plan, asked)
        return {"rows": [{**row, **_whole_slices(scorer, row["method"])} for row in scorer.rows], "reason": ""}
    except (PairError, InputError, ValueError) as error:
        logger.warning("%s is left out: %s", pair.name, error)
        return {"rows": [], "reason": str(error)}
    finally:
        if slices is not None:
            slices.close()  # a file that is mapped cannot be removed on Windows
        shutil.rmtree(work, ignore_errors=True)


def _whole_slices(scorer, method):
    """PSNR and SSIM of whole axial slices with data range 1: FS-RWKV's measure, on masked volumes.

    Both volumes are scaled by the 7T's extremes inside the mask, and zero outside it.
    """
    if "psnr" not in next(row for row in scorer.rows if row["method"] == method):
        return {}
    inside = scorer.seven[scorer.mask]
    lower, upper = float(inside.min()), float(inside.max())
    held = np.flatnonzero(scorer.mask.any(axis=(1, 2)))
    box = slice(held[0], held[-1] + 1)
    chosen = central_slices(box.stop - box.start, FS_RWKV_SLICES)
    images = [
        np.where(scorer.mask, np.clip((image - lower) / (upper - lower), 0, 1), 0)[box][chosen]
        for image in (scorer.images[method], scorer.seven)
    ]
    return {"slice_psnr": float(slice_psnr(*images).mean()), "slice_ssim": float(slice_ssim(*images).mean())}


def _pair_state(pair):
    return [pair.subject, pair.contrast, state_of(pair.image_3t), state_of(pair.image_7t)]
