"""Tables 2-4: one data set, one scale; every method trained alike and scored on the test subjects.

The protocol is the paper's (section 3.7): N4, skull-strip, min-max per volume, central 100 slices,
bicubic downsampling, subjects split 70 : 20 : 10. All contrasts of a set train one network.
"""

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple, Optional

from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.checkpoints.registry import available_checkpoints, find_weights, sha256_of
from CHARMSSRLib.errors import CHARMSSRError, CheckpointError, InputError
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.task import Task

from ..comparison import contest
from ..comparison.protocol import PAPERS_SLICES
from ..comparison.studies import entries_of
from ..training.prepare import prepare_volume
from ..training.prepared import load_prepared, save_prepared
from .parts import fingerprint, read_part, state_of, write_part

logger = logging.getLogger(__name__)

DEGRADATION = "bicubic"
WATCHED = 4  # validation volumes that a run looks at: its log is no table


class Prepared(NamedTuple):
    """A file of prepared slices, with its subject and the part that this belongs to."""

    path: Path
    subject: str
    part: str


@dataclass(frozen=True)
class Experiment:
    """One data set at one scale.

    Attributes:
        found: Found. split: dict subject -> part. config: TrainingConfig that all methods share.
        study: "methods" (Tables 2 and 3) or "ablation" (Table 4). methods: names of its entries, or None.
        weights: folder of trained weights, or None to train. checkpoint: a checkpoint to score beside
            them, by name or file, or None. score_only: train nothing.
        timed: measure milliseconds per slice. figures: draw them.
    """

    found: object
    split: dict
    config: object
    study: str = "methods"
    methods: Optional[tuple] = None
    weights: Optional[Path] = None
    checkpoint: Optional[str] = None
    score_only: bool = False
    timed: bool = True
    figures: bool = False

    @property
    def name(self):
        """Of its folder."""
        return self.config.name + ("" if self.study == "methods" else f"-{self.study}")


def prepare_set(found, split, folder, skull_strip="auto", task=None):
    """Prepare the scans of a set: one file each, made once; a scan that fails takes its subject out.

    Args:
        found: Found.
        split: dict subject -> part.
        folder: for the files.
        skull_strip: "auto" or the name of a backend.
        task: progress and cancelling; None for nobody's.

    Returns:
        (list of Prepared, list of (subject, reason) that failed).
    """
    folder, task = Path(folder), task or Task()
    folder.mkdir(parents=True, exist_ok=True)
    scans = [scan for scan in found.scans if scan.subject in split]
    files, failed = [], {}
    for number, scan in enumerate(scans):
        task.check("Preparing was stopped; start it again to go on.")
        made_of = fingerprint(file=state_of(scan.path), skull_strip=skull_strip, stripped=scan.stripped, format=1)
        path = folder / f"{scan.subject}_{scan.contrast}_{made_of[:12]}.npz"
        if not path.exists():
            task.tell(number / len(scans), f"{found.name}: preparing {scan.subject} {scan.contrast}")
            try:
                save_prepared(_prepared(scan, skull_strip), path)
            except CHARMSSRError as error:
                logger.warning("%s %s is left out: %s", scan.subject, scan.contrast, error)
                failed.setdefault(scan.subject, f"{scan.contrast}: {error}")
                continue
        files.append((path, scan.subject))
    kept = [Prepared(path, subject, split[subject]) for path, subject in files if subject not in failed]
    missing = {"train", "test"} - {one.part for one in kept}
    if missing:
        raise InputError(
            f"{found.name}: no volume of the {min(missing)} part could be prepared; the first reason: "
            f"{next(iter(failed.values()), 'there is none')}"
        )
    return kept, sorted(failed.items())


def _prepared(scan, skull_strip):
    """The central 100 slices of a scan; its intensity range stays that of the whole volume."""
    image = read_volume(scan.path)
    volume = prepare_volume(image, scan.subject, scan.contrast, "", skull_strip, scan.stripped)[0].stripped()
    central = volume.central(PAPERS_SLICES)
    chosen = slice(central.start, central.stop)
    return replace(volume, slices=volume.slices[chosen], mask=volume.mask[chosen])


def run_experiment(experiment, prepared, output, device="cpu", task=None):
    """Train (or load) and score the methods of one experiment, and write its report.

    Args:
        experiment: Experiment.
        prepared: list of Prepared.
        output: folder; its subfolder of the experiment's name holds report.md, scores.csv, costs.csv and runs/.
        device: where torch computes.
        task: progress and cancelling; None for nobody's.

    Returns:
        list of score rows (``evaluation.protocol``), each with the further label "set".

    Raises:
        CheckpointError: ``score_only`` and nothing to score.
        SettingsError: the folder holds runs of another configuration.
    """
    folder, task = Path(output) / experiment.name, task or Task()
    folder.mkdir(parents=True, exist_ok=True)
    entries = entries_of(experiment.study, experiment.methods)
    weights = _weights_folder(experiment)
    if experiment.score_only:
        entries = _scorable(entries, weights, experiment)
    made_of = fingerprint(
        config=experiment.config.to_dict(), study=experiment.study, entries=[asdict(entry) for entry in entries],
        volumes=[(one.path.name, one.part) for one in prepared], timed=experiment.timed, figures=experiment.figures,
        weights=[state_of(path) for path in sorted(weights.glob("*.safetensors"))] if weights else None,
        checkpoint=_sha(experiment.checkpoint),
    )  # fmt: skip
    done = read_part(folder / "done.json", made_of)
    if done is not None and (folder / "report.md").is_file():
        return done
    parts = {part: [one for one in prepared if one.part == part] for part in ("train", "val", "test")}
    training = [] if experiment.score_only else [load_prepared(one.path) for one in parts["train"]]
    watched = [] if experiment.score_only else [load_prepared(one.path) for one in parts["val"][:WATCHED]]
    contestants = contest.contest(entries, experiment.config, training, watched, folder / "runs", weights, device, task)
    contestants += _given(experiment)
    task.tell(1.0, f"{experiment.name}: scoring")
    scale = experiment.config.scale
    test = (load_prepared(one.path) for one in parts["test"])  # one at a time
    rows = contest.score(contestants, test, [DEGRADATION], scale, None, device, task)
    costs = contest.costs(contestants, scale, device, experiment.timed)
    contest.write_report(folder, _title(experiment), _protocol(experiment, parts), costs, rows)
    if experiment.figures:
        shown = load_prepared(parts["test"][0].path)
        contest.draw_figures(folder, contestants, costs, rows, shown, DEGRADATION, scale, device)
    rows = [{"set": experiment.found.name, **row} for row in rows]
    write_part(folder / "done.json", made_of, rows)
    return rows


def _weights_folder(experiment):
    """Where the given weights of this experiment lie: the folder itself, or an earlier output's runs."""
    if experiment.weights is None:
        return None
    base = Path(experiment.weights)
    candidates = (base / experiment.name / "runs", base / experiment.name, base)
    return next((one for one in candidates if any(one.glob("*.safetensors"))), base)


def _scorable(entries, weights, experiment):
    kept = [
        entry
        for entry in entries
        if entry.method == "bicubic" or (weights is not None and (weights / f"{entry.name}.safetensors").is_file())
    ]
    if all(entry.method == "bicubic" for entry in kept) and experiment.checkpoint is None:
        where = f"in {weights}" if weights else "without --weights"
        raise CheckpointError(
            f"Nothing to score for {experiment.name}: no weights named as the methods are (charms.safetensors, ...)"
            f" {where}, and no checkpoint of its scale is given."
        )
    return kept


def _given(experiment):
    if experiment.checkpoint is None:
        return []
    checkpoint = load_checkpoint(experiment.checkpoint)
    card = checkpoint.card
    return [contest.Contestant(f"CHARMS ({card['name']})", "a given checkpoint, trained on other data",
                               checkpoint.network, card["intensity"]["kind"])]  # fmt: skip


def checkpoint_for(scale):
    """The bundled checkpoint of the paper's protocol for a scale, or None."""
    name = f"charms-x{scale}-bicubic"
    return name if name in available_checkpoints() else None


def _sha(checkpoint):
    return None if checkpoint is None else sha256_of(find_weights(checkpoint))


def _title(experiment):
    table = {"methods": {2: "Table 2", 4: "Table 3"}[experiment.config.scale], "ablation": "Table 4"}
    return f"{experiment.found.name} x{experiment.config.scale}, as {table[experiment.study]} of the paper"


def _protocol(experiment, parts):
    counts = {part: len({one.subject for one in own}) for part, own in parts.items()}
    text = contest.describe_protocol(experiment.config, parts["train"], [DEGRADATION], "test")
    if experiment.score_only:
        text = f"Nothing was trained here: given weights, scored under {DEGRADATION} degradation on the test volumes."
    return (
        f"{text} {experiment.found.name}, {experiment.found.layout}: {counts['train']} : {counts['val']} :"
        f" {counts['test']} subjects for training, validation and test; N4, skull-strip, min-max, central"
        f" {PAPERS_SLICES} slices of the acquired plane. The paper's figures are the columns of whole slices."
    )
