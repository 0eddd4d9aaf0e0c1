"""Carries a plan out: one part after the other, each kept when it is done, then the tables."""

from pathlib import Path

from CHARMSSRLib.errors import OutputError
from CHARMSSRLib.files.output_files import OutputFiles, check_folder
from CHARMSSRLib.task import Task

from ..plots import require_matplotlib
from .cross_field import FOLDER, run_cross_field
from .listing import describe_set, scans_csv
from .reports import cross_field_csv, cross_field_markdown, single_field_markdown
from .single_field import prepare_set, run_experiment

REPORT, SCANS = "report.md", "scans.csv"


def carry_out(plan, output, progress=None, is_cancelled=None):
    """Run everything of a plan.

    Args:
        plan: ReproductionPlan.
        output: folder, made if missing.
        progress: called with (fraction, message).
        is_cancelled: asked between all steps.

    Returns:
        Path of report.md, which holds the tables; those of single parts lie in subfolders.

    Raises:
        OutputError: the folder cannot be written. Cancelled: the next call goes on.
    """
    output = Path(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {output} cannot be made: {error.strerror}. Choose another folder.") from error
    check_folder(output)
    if any(one.figures for one in plan.single):
        require_matplotlib()
    parts = len(plan.splits) + len(plan.single) + len(plan.cross)
    tasks = (Task(progress, is_cancelled).share(number, parts) for number in range(parts))
    prepared, tables, failed = {}, {}, {}
    for key, split in plan.splits.items():
        found = plan.sets[key]
        folder = output / "prepared" / key
        prepared[key], failed[key] = prepare_set(found, split, folder, plan.skull_strip, next(tasks))
    for one in plan.single:
        rows = run_experiment(one, prepared[one.found.key], output, plan.device, next(tasks))
        tables.setdefault((one.config.scale, one.study), []).extend(rows)
    results = [run_cross_field(one, output, next(tasks)) for one in plan.cross]
    return _write(plan, output, tables, results, failed)


def _write(plan, output, tables, results, failed):
    text = ["# Reproduction of the paper's experiments", ""]
    text += [single_field_markdown([(scale, study, rows) for (scale, study), rows in sorted(tables.items())])]
    with OutputFiles(overwrite=True) as files:
        if results:
            training = None if plan.cross[0].training is None else plan.cross[0].training.name
            cross = cross_field_markdown(results, training, plan.cross[0].test.name, _tuning(plan, results))
            files.add_text(cross, output / FOLDER / REPORT)
            files.add_text(cross_field_csv(results), output / FOLDER / "scores.csv")
            text.append(cross)
        text += ["# Data", ""]
        for key, found in plan.sets.items():
            text += ["```", *describe_set(found, plan.splits.get(key), scans=False)]
            text += [f"  left out while preparing: {what}: {reason}" for what, reason in failed.get(key, ())]
            text += ["```", ""]
        text.append(f"All scans with their part and file: {SCANS}.")
        files.add_text(scans_csv(plan.sets, plan.splits), output / SCANS)
        files.add_text("\n".join(text) + "\n", output / REPORT)
        files.commit()
    return output / REPORT


def _tuning(plan, results):
    """What was tuned, how, and to what."""
    one = plan.cross[0]
    if one.score_only:
        return f"Nothing was tuned here: the checkpoint {one.checkpoint} is scored as it is."
    parts = []
    for result in results:
        report = result.tuning
        kept = f"kept step {report['best_step']}" if result.checkpoint else "nothing was gained"
        parts.append(
            f"{result.contrast}: {report['counts']['training']} pairs, {report['counts']['held_out']} held out to"
            f" choose the step, {report['steps']} steps at {report['plan']['learning_rate']:g}, {kept}"
        )
    return (
        f"Start: {one.checkpoint}; a checkpoint per contrast. {'; '.join(parts)}. Figures are taken inside the brain on"
        " the 7T's own grid; the intensity-matched 3T is the baseline that a result must beat."
    )
