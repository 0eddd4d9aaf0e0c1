"""Fine-tuning from 3T/7T pairs: from the pairs to a checkpoint with its card and a report."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..checkpoints.loading import load_checkpoint, save_checkpoint
from ..enhancement.stages import Stages
from ..errors import Cancelled, CHARMSSRError, OutputError
from ..files.output_files import OutputFiles, plain
from ..settings import FineTuningSettings
from ..task import IsCancelled, Progress, Task
from .automatic_values import Plan
from .card import LearnedFrom, tuned_card
from .given_pairs import GivenPairs
from .held_out import HeldOut, fit_maps, map_of
from .pairs.pair import Pair
from .report.report_contents import (
    CANCELLED_VERDICT,
    CHOSEN_ON_HELD_OUT,
    NOTHING_GAINED,
    ONE_SUBJECT,
    summarise,
    verdict_on,
)
from .report.report_page import middle_pictures, page
from .report.report_page import template as page_template
from .report.scores import TUNED, UNTUNED, PairScorer
from .run_report import run_report, validation_figures
from .slices import Patches
from .splits import leave_one_out, one_split, subjects_of
from .training_loop import Run
from .work_folder import check_result, publish, result_files, result_folder, work_folder_of

logger = logging.getLogger(__name__)

# How the progress bar is shared out: the pairs are registered here; of each run this share is training.
REGISTERED, TRAINING_SHARE = 0.2, 0.75
PICTURED_PAIRS = 3


@dataclass
class FineTuning:
    """What ``fine_tune`` returns.

    Attributes:
        checkpoint_path: weights of the new checkpoint (Path); its card, report and page lie beside
            it. None when nothing was gained: then the report is all there is.
        report: what was done and what it gained; see docs/use/fine-tuning.md for its keys.
        intensity_maps: contrast -> MonotoneMap of the training pairs, for the matched baseline elsewhere.
    """

    checkpoint_path: Path | None
    report: dict
    intensity_maps: dict = field(default_factory=dict)


def fine_tune(
    pairs: Sequence[Pair],
    settings: FineTuningSettings | None = None,
    progress: Progress | None = None,
    is_cancelled: IsCancelled | None = None,
    observe: Callable[[dict], None] | None = None,
    command: str = "",
) -> FineTuning:
    """Tune a checkpoint to 3T/7T pairs (section 3.8 of the paper).

    The network reads the 3T slices exactly as ``enhance`` feeds them and learns the registered 7T,
    scaled by the checkpoint's own rule with the 7T's own statistics. Transformer, upsampler, HFIR
    and tail are trained; the rest stays bit for bit. A run that was killed goes on when the same
    call is made again.

    Args:
        pairs: list of Pair. The last ``settings.hold_out`` subjects of the list are held out.
        settings: FineTuningSettings, or None for the defaults.
        progress: called with (fraction 0 to 1, message).
        is_cancelled: asked at every step, and within the registration.
        observe: called with events, dicts that JSON can hold:
            ``{"event": "pair", "subject", "contrast", "index", "status": "ok" | "warned" | "refused",
            "reason", "quality"}`` and ``{"event": "validation", "step", "loss", "validation_loss",
            "validation_psnr", "matched_psnr", "best"}`` (step 0 is the start; with leave-one-out
            also "run", the title of the run).
        command: the command line, for the card.

    Returns:
        FineTuning. When it was cancelled after a validation that was better than the start, the best
        so far is kept and ``report["cancelled"]`` is true.

    Raises:
        PairError: no pair, or none that can be used; the message gives the reason.
        SettingsError, OutputError, CheckpointError, BackendError: as their names say; before any work.
        Cancelled: nothing had been gained yet; nothing is left behind.
    """
    return _Job(list(pairs), settings or FineTuningSettings(), Task(progress, is_cancelled), observe, command).run()


class _Job:
    def __init__(self, pairs, settings, task, observe, command):
        self.settings, self.command = settings, command
        self.task = task
        self.observe = observe or (lambda event: None)
        self.stages, self.started = Stages(), time.monotonic()
        self.warnings, self.notes, self.runs, self.rows, self.pictures = [], [], [], [], []
        self.pairs = GivenPairs(pairs, self.observe)

    def run(self):
        settings = self.settings
        check_result(settings.name, settings.folder, settings.overwrite)
        page_template()
        self.pairs.check(settings)
        self.plan = Plan.of(settings)
        self.base = load_checkpoint(settings.checkpoint)
        self.work = work_folder_of(settings.name, settings.folder)
        try:
            with self.stages("registration"):
                pairs = self.pairs.register(settings, self.base.card, self.work, self.task.part(0, REGISTERED))
            self.warnings += self.pairs.warnings
            if settings.leave_one_out and len(subjects_of(pairs)) > 1:
                result = self._leave_one_out(pairs)
            else:
                result = self._single(pairs)
        except OutputError:
            raise  # there may be room on the disk later: the next call goes on
        except CHARMSSRError:
            self._remove_work()
            raise
        self._remove_work()
        self.task.tell(1.0, "Done")
        return result

    def _remove_work(self):
        self.pairs.close()
        shutil.rmtree(self.work, ignore_errors=True)

    # ---- the runs

    def _single(self, pairs):
        split = one_split(pairs, self.settings.hold_out)
        self.notes += [*split.notes, CHOSEN_ON_HELD_OUT]
        if len(subjects_of(pairs)) == 1:
            self.notes.insert(0, ONE_SUBJECT)
        self._set_roles(split)
        result = self._train(split, 0, 1)
        if result.stopped == "cancelled":
            return self._end_cancelled(result, split)
        if not result.improved:
            return self._finish(None, result, split)
        try:
            self._score(split, result.network, 0, 1)
        except Cancelled:
            return self._end_cancelled(result, split)
        return self._finish(result.network, result, split)

    def _leave_one_out(self, pairs):
        folds = leave_one_out(pairs)
        count = len(folds) + 1
        best = None
        for number, split in enumerate(folds):
            result = self._train(split, number, count)
            best = (result, split) if result.improved else best
            try:
                if result.stopped == "cancelled":
                    raise Cancelled()
                self._score(split, result.network if result.improved else self.base.network, number, count)
            except Cancelled:
                return self._end_cancelled(*(best or (result, split)))
        steps = sorted(run["best_step"] for run in self.runs if run["best_step"])
        final = one_split(pairs, 0, watched=False)
        if not steps:
            return self._finish(None, result, final)
        self.notes += [
            "Each subject was scored by a run that had not seen it; the checkpoint was trained on all pairs, for as"
            f" many steps as the runs needed (median {steps[len(steps) // 2]}).",
            CHOSEN_ON_HELD_OUT,
        ]
        result = self._train(final, len(folds), count, stop_at=steps[len(steps) // 2])
        if result.stopped == "cancelled":
            return self._end_cancelled(*best)
        return self._finish(result.network, result, final)

    def _train(self, split, number, count, stop_at=None):
        start, share = REGISTERED + (1 - REGISTERED) * number / count, (1 - REGISTERED) / count * TRAINING_SHARE
        task = self.task.part(start, start + share, f"{split.title}: " if split.title else "")

        def observe(event):
            self.observe({**event, "run": split.title} if split.title else event)

        def card(step, seconds):
            return self._card(split, step, seconds)

        def keep(weights):
            publish(weights, self.settings.name, self.settings.folder)

        network, plan = self.base.network, self.plan
        with self.stages("training"):
            task.tell(0.0, "Fitting the intensity-matched baseline")
            self.maps = fit_maps(split.training)
            channels = network.arguments["in_channels"]
            patches = Patches(split.training, plan.patch, plan.batch, plan.seed, channels)
            held_out = HeldOut(split.held_out, self.maps, network, plan) if split.held_out else None
            folder = self.work / f"run-{number + 1:03d}"
            run = Run(network, card, patches, held_out, plan, folder, self._identity(split), keep, stop_at)
            result = run.run(task, observe)
        self.runs.append({
            "title": split.title, "held_out": [pair.label for pair, _ in split.held_out], "steps": result.steps,
            "best_step": result.best_step, "stopped": result.stopped, "seconds": round(result.seconds, 1),
            "seconds_per_step": round(result.seconds_per_step, 4), "history": result.history,
        })  # fmt: skip
        return result

    def _identity(self, split):
        parts = [[(pair.folder.name, numbers.tolist()) for pair, numbers in part]
                 for part in (split.training, split.held_out)]  # fmt: skip
        text = json.dumps([self.base.card["sha256"], parts])
        return hashlib.sha256(text.encode()).hexdigest()

    def _score(self, split, network, number, count):
        start = REGISTERED + (1 - REGISTERED) * (number + TRAINING_SHARE) / count
        share = (1 - REGISTERED) / count * (1 - TRAINING_SHARE) / max(1, len(split.held_out))
        with self.stages("scoring"):
            for index, (pair, numbers) in enumerate(split.held_out):
                # Counted, so that the time left is not foretold by the speed of the steps before.
                told = f"Scoring {index + 1} of {len(split.held_out)}: {pair.label} on the grid of its 7T"
                self.task.tell(start + share * index, told)
                try:
                    scorer = PairScorer(pair, numbers)
                except ValueError as reason:
                    self.warnings.append(f"{pair.label} has no scores: {reason}.")
                    continue
                scorer.score_baselines(map_of(self.maps, pair.contrast))
                for name, one in ((UNTUNED, self.base.network), (TUNED, network)):
                    scorer.score_network(name, one, self.plan, self.task)
                self.rows += scorer.rows
                if len(self.pictures) < PICTURED_PAIRS:
                    pictures = middle_pictures(scorer.images, scorer.mask, pair.spacing_7t)
                    self.pictures.append((f"{pair.label}, held out", pictures))

    # ---- the result

    def _set_roles(self, split):
        held_out = {(pair.subject, pair.contrast) for pair, _ in split.held_out}
        training = {(pair.subject, pair.contrast) for pair, _ in split.training}
        for report in self.pairs.reports:
            if report["role"] != "refused" and (report["subject"], report["contrast"]) in held_out:
                both = (report["subject"], report["contrast"]) in training
                report["role"] = "training, a block of slices held out" if both else "held out"

    def _card(self, split, step, seconds, validation=None):
        training, held_out = ([pair for pair, _ in part] for part in (split.training, split.held_out))
        pairs = LearnedFrom(len(self.pairs.given), training, held_out)
        return tuned_card(self.base.card, self.settings, self.plan, pairs, step, seconds, validation, self.command)

    def _end_cancelled(self, result, split):
        """Keep the best so far; without any, nothing is left."""
        if not result.improved:
            raise Cancelled()
        self.rows, self.pictures = [], []  # of folds that were done: they say nothing about this checkpoint
        return self._finish(result.network, result, split, cancelled=True)

    def _finish(self, network, result, split, cancelled=False):
        """Write checkpoint, card, report and page."""
        settings = self.settings
        beaten, verdict = verdict_on(self.rows)
        summary = summarise(self.rows)
        if cancelled:
            beaten, verdict = None, CANCELLED_VERDICT
        elif network is None:
            beaten, verdict = False, NOTHING_GAINED
        path = None
        if network is not None:
            card = self._card(split, result.best_step, result.seconds, validation_figures(summary))
            path = save_checkpoint(network, card, result_folder(settings.folder))
        report = run_report(self, path, result, split, summary)
        report.update(cancelled=cancelled, baseline_beaten=beaten, verdict=verdict)
        report = plain(report)
        json_path, html_path = result_files(settings.name, settings.folder)[2:]
        with OutputFiles(overwrite=True) as files:
            files.add_json(report, json_path)
            files.add_text(page(report, self.pictures, self.pairs.registrations), html_path)
            files.commit()
        return FineTuning(path, report, dict(self.maps))
