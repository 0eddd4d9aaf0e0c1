"""Fine-tuning shown on real anatomy: does it gain on heads that it has not seen?

There is no public 3T/7T pair at hand, so pairs are derived from real volumes: the "7T" is the
volume as it is, the "3T" has half the in-plane resolution, noise, a bias field, another intensity
curve, another position and another grid. A few subjects of the training split train, others of
the validation split are held out. A second run learns from mismatched pairs (two different heads),
where the checks must refuse, or the report must say that nothing was gained.

    python -m CHARMSSRLab.documents.fine_tuning_proof --output FOLDER

writes FOLDER/fine_tuning_proof.json and .md, and the checkpoint with its report. A run that was
stopped goes on when started again.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.errors import PairError
from CHARMSSRLib.files.output_files import plain
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.fine_tuning import fine_tune as job
from CHARMSSRLib.fine_tuning import given_pairs
from CHARMSSRLib.fine_tuning.pairs.pair import Pair
from CHARMSSRLib.settings import FineTuningSettings

from ..markdown_table import head, line
from ..training.derived_pairs import DerivationSettings, derive_pair
from ..training.prepare import read_manifest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = ("ds002748", "ds000011")
SLICE_MM = 2.0  # the true thickness of ds002748 also where its slices are interpolated to 1 mm


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--subjects", type=int, default=6, help="training subjects (default: 6)")
    parser.add_argument("--held-out", type=int, default=2, help="held-out subjects (default: 2)")
    parser.add_argument("--source", choices=SOURCES, default=SOURCES[0])
    parser.add_argument("--scale", type=float, default=2.0, help="how much coarser the 3T is (default: 2)")
    parser.add_argument("--slab", type=float, default=0, help="mm of the middle, at least 70; 0: all (default)")
    parser.add_argument("--mismatched", type=int, default=2, help="mismatched pairs of the second run (default: 2)")
    parser.add_argument("--checkpoint", default="charms-x2-clinical")
    parser.add_argument("--device", default="auto")
    for name in ("steps", "batch", "patch", "validate-every", "patience"):
        parser.add_argument(f"--{name}", type=int, default=0, help="as in charmssr fine-tune")
    parser.add_argument("--learning-rate", type=float, default=0.0)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    training = volumes_of(arguments, "train", arguments.subjects)
    held_out = volumes_of(arguments, "val", arguments.held_out)
    results = {"arguments": plain(vars(arguments))}
    errors = watch_registrations(known := {})
    pairs = [matched_pair(row, number, arguments, known) for number, row in enumerate([*training, *held_out])]
    results["matched"] = run(pairs, settings_of(arguments, "proof-7t", arguments.held_out), arguments.output)
    results["registration_errors"] = errors
    if arguments.mismatched:
        pairs = mismatched_pairs(training[: arguments.mismatched + 1], arguments)
        settings = settings_of(arguments, "mismatched-7t", 1)
        results["mismatched"] = run(pairs, settings, arguments.output)
    text = markdown(results)
    (arguments.output / "fine_tuning_proof.json").write_text(json.dumps(plain(results), indent=2), encoding="utf-8")
    (arguments.output / "fine_tuning_proof.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def volumes_of(arguments, split, count):
    """The first T1w volumes of a split, as (subject, path)."""
    rows = [
        row for row in read_manifest(arguments.data / "manifest.csv")
        if row["split"] == split and row["contrast"] == "T1w" and row["subject"].startswith(arguments.source)
    ]  # fmt: skip
    return [(row["subject"], arguments.data / row["file"]) for row in rows[:count]]


def derived(path, number, arguments):
    """A derived pair and the 3T's mask (None for a whole head).

    Position, bias field and noise are a function of the volume's number. The noise of the derived
    3T fills the zeroed background of a stripped volume, which no skull-strip expects: such a pair
    brings its mask along.
    """
    rng = np.random.default_rng(1000 + number)
    image = sitk.DICOMOrient(read_volume(path), "LPS")
    if arguments.slab:
        count = int(np.ceil(arguments.slab / image.GetSpacing()[2]))
        start = max(0, (image.GetSize()[2] - count) // 2)
        image = image[:, :, start : start + count]
    pair = derive_pair(image, DerivationSettings(
        scale=arguments.scale, slice_mm=max(SLICE_MM, image.GetSpacing()[2]), seed=number,
        rotation_degrees=tuple(rng.uniform(-12, 12, 3)), translation_mm=tuple(rng.uniform(-15, 15, 3)),
    ))  # fmt: skip
    if (sitk.GetArrayViewFromImage(image) == 0).mean() < 0.2:
        return pair, None
    brain = sitk.BinaryMorphologicalClosing(sitk.Cast(image > 0, sitk.sitkUInt8), (3, 3, 3))
    soft = sitk.Resample(sitk.Cast(brain, sitk.sitkFloat32), pair.image_3t, pair.transform, sitk.sitkLinear, 0.0)
    return pair, sitk.Cast(soft > 0.5, sitk.sitkUInt8)


def matched_pair(row, number, arguments, known):
    pair, mask = derived(row[1], number, arguments)
    known[row[0]] = pair.transform
    return Pair(row[0], "T1w", pair.image_3t, pair.image_7t, mask)


def mismatched_pairs(rows, arguments):
    """The 3T of each subject with the 7T of the next."""
    own = [derived(path, number, arguments) for number, (_, path) in enumerate(rows)]
    return [
        Pair(f"{rows[i][0]} with {rows[i + 1][0]}", "T1w", own[i][0].image_3t, own[i + 1][0].image_7t, own[i][1])
        for i in range(len(rows) - 1)
    ]


def watch_registrations(known):
    """Fills a list with how far each registration is from the known transform, as they are made."""
    errors, register = [], given_pairs.register_pair

    def watched(pair, *arguments):
        registered = register(pair, *arguments)
        if pair.subject in known:
            errors.append({"subject": pair.subject, **transform_error(registered, known[pair.subject])})
        return registered

    given_pairs.register_pair = watched
    return errors


def transform_error(registered, known):
    """Degrees of rotation, and mm at the brain's centre and at most within the brain."""
    mask = sitk.GetArrayViewFromImage(registered.mask) > 0
    chosen = np.argwhere(mask)[:: max(1, int(mask.sum() // 2000)), ::-1]
    points = [registered.image_3t.TransformIndexToPhysicalPoint([int(i) for i in index]) for index in chosen]
    found, true = (np.array([one.TransformPoint(p) for p in points]) for one in (registered.transform, known))
    centre = found.mean(0) - true.mean(0)
    spread = [part - part.mean(0) for part in (found, true)]
    left, _, right = np.linalg.svd(spread[0].T @ spread[1])
    angle = np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1)))
    return {
        "degrees": float(angle), "centre_mm": float(np.linalg.norm(centre)),
        "largest_mm": float(np.linalg.norm(found - true, axis=1).max()),
    }  # fmt: skip


def settings_of(arguments, name, hold_out):
    return FineTuningSettings(
        name=name, folder=str(arguments.output), checkpoint=arguments.checkpoint, device=arguments.device,
        steps=arguments.steps, batch=arguments.batch, patch=arguments.patch, patience=arguments.patience,
        validate_every=arguments.validate_every, learning_rate=arguments.learning_rate, hold_out=hold_out,
        overwrite=True,
    )  # fmt: skip


def run(pairs, settings, folder):
    """The report of a fine-tuning, or of what was refused; the one that is there already is read."""
    path = folder / f"{settings.name}.report.json"
    if path.exists():
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["settings"] == dataclasses.asdict(settings) and not report["cancelled"]:
            return report

    def progress(fraction, message):
        sys.stderr.write(f"\r\033[K{100 * fraction:5.1f} %  {message}"[:150])
        sys.stderr.flush()

    def observe(event):
        sys.stderr.write(f"\n{json.dumps(event)}\n")

    try:
        return job.fine_tune(pairs, settings, progress, None, observe, "fine_tuning_proof.py").report
    except PairError as error:
        return {"refused": str(error)}


def markdown(results):
    lines = ["# Fine-tuning on derived pairs", "", 'Not 7T data: each "7T" is a real 3T volume as it is.', ""]
    lines += section("Matched pairs", results["matched"])
    errors = results["registration_errors"]
    if errors:
        lines += [
            "", "Registration against the known transform: rotation at most"
            f" {max(one['degrees'] for one in errors):.3f} degrees, brain's centre at most"
            f" {max(one['centre_mm'] for one in errors):.3f} mm, any brain voxel at most"
            f" {max(one['largest_mm'] for one in errors):.3f} mm ({len(errors)} pairs).",
        ]  # fmt: skip
    if "mismatched" in results:
        lines += ["", *section("Mismatched pairs (two different heads)", results["mismatched"])]
    return "\n".join([*lines, ""])


def section(title, report):
    lines = [f"## {title}", ""]
    if "refused" in report:
        return [*lines, f"Refused: {report['refused']}"]
    lines += [report["verdict"], "", *head(["", "PSNR (dB)", "SSIM", "SNR", "CNR", "edges (1/mm)"])]
    for method, figures in report["summary"].items():
        cells = []
        for figure, digits in (("psnr", 2), ("ssim", 4), ("snr", 2), ("cnr", 2), ("sharpness", 4)):
            one = figures.get(figure)
            cell = "" if one is None else f"{one['mean']:.{digits}f}"
            cells.append(cell + (f" ± {one['sd']:.{digits}f}" if one and one["sd"] is not None else ""))
        lines.append(line([method, *cells]))
    plan, refused = report["plan"], [pair for pair in report["pairs"] if pair["role"] == "refused"]
    lines += [
        "", f"{report['counts']['training']} training and {report['counts']['held_out']} held-out pairs,"
        f" {report['steps']} steps (best: {report['best_step']}), learning rate {plan['learning_rate']:g}, batch"
        f" {plan['batch']}, patches of {plan['patch']} pixels, {report['device']}, {report['precision']}:"
        f" {report['seconds_per_step']:.2f} s per step, {report['seconds'] / 60:.1f} minutes in all"
        f" ({', '.join(f'{name} {seconds:.0f} s' for name, seconds in report['stages'].items())}).",
    ]  # fmt: skip
    lines += [f"- refused: {pair['reason']}" for pair in refused]
    return lines


if __name__ == "__main__":
    main()
