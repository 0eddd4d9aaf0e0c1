"""From the options to what will be done: sets that were found, their split, experiments."""

from dataclasses import dataclass, field

from CHARMSSRLib.checkpoints.registry import read_card
from CHARMSSRLib.errors import InputError, SettingsError
from CHARMSSRLib.machine.devices import choose_device
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT

from ..comparison.protocol import PAPERS_SLICES
from .cross_field import CrossField
from .found import CONTRASTS
from .hcp import find_hcp
from .ixi import find_ixi
from .layout import read_layout
from .listing import describe_set, memory_needed
from .paired import find_paired, pairs_of
from .presets import training_config
from .single_field import Experiment, checkpoint_for
from .split import some_subjects, split_subjects

SINGLE, PAIRED = ("ixi", "hcp"), ("ptt1", "ptt2")
FINDERS = {
    "ixi": find_ixi,
    "hcp": find_hcp,
    **{key: lambda folder, contrasts, key=key: find_paired(key, folder, contrasts) for key in PAIRED},
}


@dataclass
class ReproductionPlan:
    """Everything that a run will do.

    Attributes:
        sets: dict key -> Found. splits: dict key -> dict subject -> part, of IXI and HCP.
        single: list of Experiment. cross: list of CrossField.
        device: name. skull_strip: backend or "auto".
    """

    sets: dict
    splits: dict = field(default_factory=dict)
    single: list = field(default_factory=list)
    cross: list = field(default_factory=list)
    device: str = "auto"
    skull_strip: str = "auto"

    def describe(self):
        """Lines for ``--dry-run``."""
        lines = []
        for key, found in self.sets.items():
            lines += [*describe_set(found, self.splits.get(key)), ""]
        for one in self.single:
            config = one.config
            doing = (
                "score given weights" if one.score_only else f"train {config.steps:,} steps of {config.batch} patches"
            )
            needed = memory_needed(one.found, one.split, PAPERS_SLICES) / 2**30
            methods = ", ".join(one.methods) if one.methods else "all methods"
            methods = methods if one.study == "methods" else "the ladder"
            lines.append(
                f"Tables 2-4, {one.name}: {methods}; {doing}; training volumes take up to {needed:.1f} GiB of memory"
                " (--subjects N takes fewer)"
            )
        for one in self.cross:
            tests = len(pairs_of(one.test, one.contrast))
            if one.score_only:
                lines.append(f"Tables 5-8, {one.contrast}: score {one.checkpoint} on {tests} pairs of PTT2")
            else:
                pairs = len(pairs_of(one.training, one.contrast))
                lines.append(
                    f"Tables 5-8, {one.contrast}: tune {one.checkpoint} on {pairs} pairs of PTT1, test on {tests} of"
                    " PTT2"
                )
        return lines


def make_plan(arguments):
    """The plan for parsed options of ``charmssr reproduce``.

    Raises:
        SettingsError: options that do not go together.
        InputError: a folder without the set that it should hold, or too few subjects.
        CheckpointError, BackendError: no such checkpoint or device.
    """
    contrasts = CONTRASTS if arguments.contrast == "both" else (arguments.contrast,)
    _check(arguments)
    device = choose_device(arguments.device)
    sets = read_layout(arguments.layout, contrasts) if arguments.layout else {}
    for key, find in FINDERS.items():
        folder = getattr(arguments, key)
        if folder is not None and key not in sets:
            sets[key] = find(folder, contrasts)
    _check_pairs(sets, arguments)
    plan = ReproductionPlan(
        {key: sets[key] for key in FINDERS if key in sets}, device=str(device), skull_strip=arguments.skull_strip
    )
    for key in SINGLE:
        if key in sets:
            subjects = some_subjects(sets[key].subjects, arguments.subjects, arguments.seed)
            plan.splits[key] = split_subjects(subjects, arguments.seed)
            plan.single += _experiments(sets[key], plan.splits[key], arguments, device)
    if "ptt2" in sets:
        shared = [one for one in contrasts if all(pairs_of(sets[key], one) for key in PAIRED if key in sets)]
        if not shared:
            raise InputError(f"PTT1 and PTT2 hold no pairs of one and the same contrast ({', '.join(contrasts)}).")
        plan.cross = [_cross_field(contrast, sets, arguments) for contrast in shared]
    return plan


def _check(arguments):
    if not any(getattr(arguments, key) for key in FINDERS) and arguments.layout is None:
        raise SettingsError(
            "Nothing to reproduce from: give at least one of --ixi, --hcp, --ptt1 with --ptt2, --layout."
        )
    if arguments.output is None and not arguments.dry_run:
        raise SettingsError("Say where the results belong: --output DIR (or look first: --dry-run).")
    if arguments.weights is not None and not arguments.weights.is_dir():
        raise SettingsError(f"--weights: there is no folder {arguments.weights}.")
    if arguments.subjects is not None and arguments.subjects < 3:
        raise SettingsError("--subjects needs at least 3: one each for training, validation and test.")


def _check_pairs(sets, arguments):
    if not sets:
        raise SettingsError(f"{arguments.layout} lists no scan of the contrast that is wanted.")
    if "ptt1" in sets and "ptt2" not in sets:
        raise SettingsError("--ptt1 alone has nothing to test on: give --ptt2 too, or use charmssr fine-tune.")
    if "ptt2" in sets and "ptt1" not in sets and not (arguments.score_only and arguments.checkpoint):
        raise SettingsError(
            "--ptt2 alone has nothing to tune on: give --ptt1 too, or --score-only with a --checkpoint to test."
        )


def _experiments(found, split, arguments, device):
    scales = (2, 4) if arguments.scale == "both" else (int(arguments.scale),)
    methods = tuple(arguments.methods) if arguments.methods else None
    experiments = []
    for scale in scales:
        config = training_config(arguments.preset, found.key, scale, device, arguments.steps, arguments.seed)
        checkpoint = None
        if arguments.score_only:
            checkpoint = arguments.checkpoint or checkpoint_for(scale)
            if checkpoint is not None and read_card(checkpoint)["scale"] != scale:
                checkpoint = None
        common = {
            "found": found, "split": split, "config": config, "weights": arguments.weights,
            "score_only": arguments.score_only, "timed": not arguments.no_timing, "figures": arguments.figures,
        }  # fmt: skip
        experiments.append(Experiment(methods=methods, checkpoint=checkpoint, **common))
        if arguments.ablation:
            experiments.append(Experiment(study="ablation", **common))
    return experiments


def _cross_field(contrast, sets, arguments):
    checkpoint = arguments.checkpoint or DEFAULT_CHECKPOINT
    read_card(checkpoint)  # refused now if it is not there
    return CrossField(
        contrast, sets["ptt2"], None if arguments.score_only else sets["ptt1"], checkpoint, arguments.score_only,
        arguments.tuning_steps, arguments.tuning_rate, arguments.hold_out, arguments.seed, arguments.device,
        arguments.skull_strip,
    )  # fmt: skip
