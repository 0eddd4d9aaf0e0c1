"""Studies of whole volumes: the run, its report, and what each says of networks that are known."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab import cli as entry
from CHARMSSRLab.whole_volume import (
    banding_study,
    consistency_study,
    lesions_study,
    maps_study,
    noise_study,
    planes_study,
    thick_slices_study,
)
from CHARMSSRLab.whole_volume.registry import MODULES, load_study
from CHARMSSRLab.whole_volume.samples import Sample, middle_slices, only_three
from CHARMSSRLab.whole_volume.scores import fidelity, worst_ratio
from CHARMSSRLab.whole_volume.study_of_volumes import Column, Selection, Setup, Study, run_study
from CHARMSSRLib import load_checkpoint
from CHARMSSRLib.errors import Cancelled, InputError
from Testing.phantom import phantom_head_and_brain
from Testing.small_checkpoint import small_checkpoint


@pytest.fixture(scope="module")
def interpolation(tmp_path_factory):
    """(checkpoint, Setup) of a network that is bicubic interpolation."""
    path = small_checkpoint(tmp_path_factory.mktemp("weights"), "interpolation", seed=0, spread=0, card={"margin": 4})
    return load_checkpoint(path), Setup(str(path), "cpu")


@pytest.fixture(scope="module")
def guesser(tmp_path_factory):
    """(checkpoint, Setup) of a network that adds something of its own."""
    path = small_checkpoint(tmp_path_factory.mktemp("weights"), "guesser", seed=0, spread=0.02, card={"margin": 4})
    return load_checkpoint(path), Setup(str(path), "cpu")


@pytest.fixture(scope="module")
def whole_brain():
    """A stripped phantom brain of 64 x 64 x 48 voxels of 2.4 mm, subject "made"."""
    image, mask = phantom_head_and_brain(size=(64, 64, 48), spacing=(2.4, 2.4, 2.4), bias=0.0, noise=2.0)
    return Sample("made_T1w", "made", "T1w", "val", sitk.Mask(image, mask), mask)


@pytest.fixture(scope="module")
def brain(whole_brain):
    """34 slices of it: as few as a study of three planes takes."""
    return replace(whole_brain, image=whole_brain.image[:, :, 7:41], mask=whole_brain.mask[:, :, 7:41])


@pytest.fixture
def data(tmp_path, brain):
    """Folder with a manifest of three small volumes."""
    lines = ["file,subject,split,contrast,skull"]
    for number in range(3):
        sitk.WriteImage(brain.image[16:48, 16:48, 1:33], str(tmp_path / f"v{number}.nii.gz"))
        lines.append(f"v{number}.nii.gz,made-{number},val,T1w,stripped")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def counting():
    """A study that counts its volumes; ``.seen`` lists them."""
    seen = []

    def measure(sample, checkpoint, setup):
        seen.append(sample.name)
        return [{"figure": float(len(seen)), "curve": [1, 2], "maybe": None}]

    columns = Column("volume", "volume"), Column("figure", "figure", ".2f"), Column("maybe", "maybe", ".2f")
    study = Study("counting", "Counting", "As it says.", columns, measure, verdict=lambda rows: [f"{len(rows)} rows"])
    return study, seen


@pytest.fixture
def unprepared(monkeypatch):
    """Volumes are not corrected and masked anew: the run is what counts here."""

    def read(data, row, box, skull_strip, slices):
        image = sitk.ReadImage(str(data / row["file"]), sitk.sitkFloat32)[:, :, :slices]
        return Sample(row["file"].split(".")[0], row["subject"], "T1w", "val", image, image > 0)

    monkeypatch.setattr("CHARMSSRLab.whole_volume.study_of_volumes.read_sample", read)


def test_a_study_writes_table_figures_and_verdict(counting, data, tmp_path, interpolation, unprepared):
    rows = run_study(counting[0], data, tmp_path, *interpolation, Selection(limit=2))
    assert [row["volume"] for row in rows] == ["v0", "v1"]
    with open(tmp_path / "counting.csv", newline="") as file:
        assert [row["figure"] for row in csv.DictReader(file)] == ["1.0", "2.0"]
    stored = json.loads((tmp_path / "counting.json").read_text(encoding="utf-8"))
    assert stored["rows"] == rows and stored["checkpoint"] == "interpolation"
    text = (tmp_path / "counting.md").read_text(encoding="utf-8")
    assert "| v1 | 2.00 |  |" in text and "- 2 rows" in text


def test_a_stopped_study_goes_on_where_it_was(counting, data, tmp_path, interpolation, unprepared):
    study, seen = counting
    with pytest.raises(Cancelled):
        run_study(study, data, tmp_path, *interpolation, is_cancelled=lambda: len(seen) == 2)
    assert seen == ["v0", "v1"] and not (tmp_path / "counting.md").exists()
    rows = run_study(study, data, tmp_path, *interpolation)
    assert seen == ["v0", "v1", "v2"] and [row["figure"] for row in rows] == [1, 2, 3]


def test_other_weights_or_settings_are_measured_again(counting, data, tmp_path, interpolation, guesser, unprepared):
    study, seen = counting
    for checkpoint, setup in (interpolation, guesser, (interpolation[0], replace(interpolation[1], noise=0.1))):
        run_study(study, data, tmp_path, checkpoint, setup, Selection(limit=1))
    assert len(seen) == 3


def test_slices_are_taken_once_by_the_run_or_by_the_study(counting, data, tmp_path, interpolation, unprepared):
    checkpoint, setup = interpolation
    sizes = []
    study = replace(counting[0], measure=lambda sample, *_: sizes.append(sample.image.GetSize()) or [{"figure": 0.0}])
    few = replace(setup, slices=5)
    run_study(study, data, tmp_path, checkpoint, few, Selection(limit=1))
    run_study(replace(study, name="other", takes_slices=True), data, tmp_path, checkpoint, few, Selection(limit=1))
    assert sizes == [(32, 32, 5), (32, 32, 32)]


def test_middle_slices_keep_the_head_beside_the_brain(whole_brain):
    head = replace(whole_brain, image=sitk.Cast(whole_brain.mask == 0, sitk.sitkFloat32))
    few = middle_slices(head, 6)
    assert few.image.GetSize() == few.mask.GetSize() == (64, 64, 6)
    values, mask = (sitk.GetArrayFromImage(one) for one in (few.image, few.mask))
    assert (values == (mask == 0)).all() and mask.any((1, 2)).all()


def test_fidelity_tells_the_rim_from_the_interior():
    truth, inside = np.ones((2, 20, 20), np.float32), np.zeros((2, 20, 20), bool)
    inside[:, 2:18, 2:18] = True
    truth[:, 5:15, 5:15] = 2
    output = truth.copy()
    output[:, 5:15, 5:15] += 0.02  # 40 dB below the range of 2
    output[:, 2:5] += 0.2
    figures = fidelity(output, truth, inside)
    assert figures["interior"] == pytest.approx(40) and figures["rim"] < figures["psnr"] < figures["interior"]


@pytest.fixture
def thick(data):
    """The data, with the first volume's slices thicker than its pixels."""
    image = sitk.ReadImage(str(data / "v0.nii.gz"))
    image.SetSpacing((2.4, 2.4, 4.8))
    sitk.WriteImage(image, str(data / "v0.nii.gz"))
    return data


def test_volumes_that_a_way_of_enhancing_cannot_use_are_not_read(counting, thick, tmp_path, interpolation, unprepared):
    (study, seen), (checkpoint, setup) = counting, interpolation
    study = replace(study, isotropic=only_three)
    run_study(study, thick, tmp_path, checkpoint, replace(setup, planes=("three",)))
    assert seen == ["v1", "v2"]
    run_study(study, thick, tmp_path, checkpoint, replace(setup, planes=("acquisition", "three")), Selection(limit=1))
    assert seen == ["v1", "v2", "v0"]


def test_a_study_without_a_volume_of_use_says_so(counting, thick, tmp_path, interpolation):
    (thick / "manifest.csv").write_text("file,subject,split,contrast,skull\nv0.nii.gz,made-0,val,T1w,stripped\n")
    with pytest.raises(InputError, match="counting"):
        run_study(replace(counting[0], isotropic=lambda planes: True), thick, tmp_path, *interpolation)


@pytest.mark.parametrize("name", MODULES)
def test_every_study_can_be_loaded_by_its_name(name):
    assert load_study(name).name == name


def test_the_banding_rule_allows_a_twentieth_and_a_little():
    assert worst_ratio([1.05 * 0.01 + 1e-4], [0.01]) == pytest.approx(1.05)
    assert worst_ratio([0.02, 0.01], [0.01, 0.01]) > 1.9
    assert worst_ratio([None, 0.01], [0.01, None]) is None


def test_planes_of_an_interpolation_gain_nothing(brain, interpolation):
    rows = [{"volume": brain.name, **row} for row in planes_study.measure(brain, *interpolation)]
    psnr = {row["way"]: row["psnr"] for row in rows}
    for plane in ("axial", "coronal", "sagittal"):
        assert psnr[f"{plane} + cubic"] == pytest.approx(psnr[planes_study.CUBIC], abs=0.3)
    gain = planes_study.gains(rows)[brain.name][planes_study.THREE]
    assert gain < planes_study.WANTED_GAIN
    assert any("does not hold for every volume" in sentence for sentence in planes_study.verdict(rows))
    three = next(row for row in rows if row["way"] == planes_study.THREE)
    assert three["banding_ratio"] < 1.1 and three["residual"] < 0.2
    # The card's D averages, the input was truncated: the truth comes back a little smoother than the input.
    assert 0.5 < three["banding_truth_ratio"] < 1
    assert any("The truth itself" in sentence for sentence in planes_study.verdict(rows))


def test_three_half_a_decibel_above_the_acquired_plane_is_enough():
    ways = {
        "cubic, 3-D": 25.0,
        "axial + cubic": 26.0,
        "coronal + cubic": 26.2,
        **{name: 26.5 - 0.1 * number for number, name in enumerate(planes_study.FUSED.values())},
        "three": 26.5,
    }
    rows = [{"volume": "a", "way": way, "psnr": value, "bands_to_cubic": 1.0} for way, value in ways.items()]
    assert planes_study.gains(rows)["a"]["three"] == pytest.approx(0.3)
    sentences = planes_study.verdict(rows)
    assert "+0.50 dB on average" in sentences[0] and "holds for every volume" in sentences[0]
    assert "+0.30 dB on average" in sentences[1] and "-0.10 dB on average" in sentences[2]
    assert "shrunk over the plain mean: -0.20 dB" in sentences[3]


def test_thick_slices_are_scored_on_the_truths_grid(whole_brain, interpolation, monkeypatch):
    monkeypatch.setattr(thick_slices_study, "THICKNESSES", (7.2,))
    rows = [{"volume": whole_brain.name, **row} for row in thick_slices_study.measure(whole_brain, *interpolation)]
    psnr = {row["way"]: row["psnr"] for row in rows}
    assert rows[0]["thickness"] == pytest.approx(7.2)
    assert psnr[thick_slices_study.SLICE_WISE] == pytest.approx(psnr[thick_slices_study.CUBIC], abs=0.5)
    assert rows[-1]["through_factor"] > 1
    assert len(thick_slices_study.verdict(rows)) == 1


def test_projection_is_judged_by_residual_and_psnr(brain, guesser, monkeypatch):
    monkeypatch.setattr(consistency_study, "OPERATORS", ("bicubic",))
    setup = replace(guesser[1], planes=("acquisition", "three"))
    rows = [{"volume": brain.name, **row} for row in consistency_study.measure(brain, guesser[0], setup)]
    assert len(rows) == 12
    for row in rows:
        before, after = row["residual_before"], row["residual_after"]
        assert before > 1e-2 and (after < 5e-4 if row["mode"] == "project" else after == before)
    for planes in setup.planes:
        assert min(consistency_study.effects(rows)[planes, "bicubic", "bicubic"]) > 0.2
    assert "holds" in consistency_study.verdict(rows)[0] and "does not" not in consistency_study.verdict(rows)[0]
    spoiled = [{**row, "residual_after": 2e-3} for row in rows]
    assert "does not hold" in consistency_study.verdict(spoiled)[0]


def test_a_noise_control_stays_at_the_share_that_the_network_was_loaded_at(brain, guesser, monkeypatch):
    monkeypatch.setattr(consistency_study, "OPERATORS", ("bicubic",))
    (checkpoint, setup), control = guesser, {"weights": "elsewhere.safetensors", "sha256": "0" * 64, "default": 80}
    controlled = replace(checkpoint, card={**checkpoint.card, "noise_control": control})
    rows = consistency_study.measure(brain, controlled, replace(setup, denoise="80"))
    plain = consistency_study.measure(brain, checkpoint, setup)
    assert [row["psnr"] for row in rows] == [row["psnr"] for row in plain]


def test_an_error_at_the_rim_is_told_from_one_inside():
    truth, inside = np.full((2, 40, 40), 100.0), np.zeros((2, 40, 40), bool)
    inside[:, 5:35, 5:35] = True
    output = truth.copy()
    output[:, 5:35, 5:8] += 10
    figures = consistency_study.rim_and_interior(output, truth, inside)
    assert figures["interior_error"] == 0 and figures["rim_error"] > 0.03


def test_maps_are_ranked_for_both_ways(brain, guesser):
    setup = replace(guesser[1], planes=("acquisition", "three"))
    rows = [{"volume": brain.name, **row} for row in maps_study.measure(brain, guesser[0], setup)]
    names = {(row["planes"], row["map"]) for row in rows}
    assert {("acquisition", "detail"), ("acquisition", "variability"), ("three", "disagreement")} <= names
    for row in rows:
        assert (row["spearman"] == pytest.approx(1)) == (row["map"] == maps_study.ORACLE)
        assert 0 < row["area"] < 1.3
    assert len(maps_study.verdict(rows)) == len([row for row in rows if row["map"] not in maps_study.YARDSTICKS])


def test_the_verdict_on_maps_tells_regions_from_voxels():
    rows = [
        {"volume": volume, "planes": "acquisition", "map": name, "spearman": voxel, "spearman_local": 0.6, "area": area}
        for volume, voxel in (("a", 0.4), ("b", 0.2))
        for name, area in (("variability", 0.5), (maps_study.GRADIENT, 0.7), (maps_study.NEIGHBOURS, 0.4))
    ]
    (sentence,) = maps_study.verdict(rows)
    assert "0.60 at least (0.3 or more in 2 of 2 volumes) with the error of regions" in sentence
    assert "0.20 at least (0.3 or more in 1 of 2 volumes) with that of single voxels" in sentence
    assert "in 2 of 2 volumes." in sentence


def test_spheres_of_an_interpolation_keep_what_cubic_keeps(brain, interpolation):
    rows = lesions_study.measure(brain, *interpolation)
    assert rows
    for row in rows:
        assert row["kept"] == pytest.approx(row["kept_by_cubic"], abs=0.02)
        assert abs(row["contrast_true"]) > 0.1
    # Off the anatomy, what interpolation keeps of a sphere is a matter of its size alone.
    alone = {}
    for row in rows:
        alone.setdefault(row["lesion"][-5:], []).append(row["kept_alone"])
    assert all(max(shares) - min(shares) < 0.03 for shares in alone.values())
    assert 0 < max(alone[" 4 mm"]) < min(alone[" 6 mm"]) < max(alone[" 6 mm"]) < min(alone["10 mm"]) < 1
    labelled = [{"volume": "a", **row} for row in rows]
    words = lesions_study.verdict(labelled)
    assert "Pasted spheres (acquisition)" in words[0] and "with and without them" in words[1]


def test_the_share_of_a_sphere_alone_does_not_hang_on_the_noise_over_it(brain, interpolation):
    checkpoint, setup = interpolation
    quiet, noisy = (lesions_study.measure(brain, checkpoint, replace(setup, noise=sigma)) for sigma in (0.0, 0.03))
    for one, other in zip(quiet, noisy):
        assert other["kept_alone"] == pytest.approx(one["kept_alone"], abs=0.02)
    spread = max(abs(one["kept"] - other["kept"]) for one, other in zip(quiet, noisy))
    assert spread > max(abs(one["kept_alone"] - other["kept_alone"]) for one, other in zip(quiet, noisy))


def test_spheres_on_even_tissue_are_told_apart_by_size_and_noise(interpolation, monkeypatch):
    monkeypatch.setattr(lesions_study, "SIGMAS", (0.0, 0.04))
    checkpoint, setup = interpolation
    rows = lesions_study.without_volume(checkpoint, setup)
    assert [(row["lesion"][-4:], row["noise"]) for row in rows[:3]] == [("4 mm", 0.0), ("4 mm", 0.04), ("6 mm", 0.0)]
    for row in rows:
        assert row["kept"] == pytest.approx(row["kept_by_cubic"], abs=1e-4) and row["least"] <= row["kept"]
    quiet = [row for row in rows if row["noise"] == 0]
    # The larger, the more of it lies within the input's band; cubic interpolation blurs that too.
    assert quiet[0]["kept_in_band"] < quiet[1]["kept_in_band"] < quiet[2]["kept_in_band"] < 1
    assert all(row["kept"] < row["kept_in_band"] for row in quiet)
    # Noise has no mean: what an interpolation keeps does not hang on it.
    assert rows[1]["kept"] == pytest.approx(rows[0]["kept"], abs=0.05)
    words = lesions_study.verdict(rows)
    assert len(words) == 2 and "4 mm" in words[0] and "Pasted" not in words[0]


def test_banding_draws_the_reformats(brain, interpolation, tmp_path):
    setup = replace(interpolation[1], planes=("acquisition", "three"), folder=str(tmp_path))
    rows = banding_study.measure(brain, interpolation[0], setup)
    assert [row["way"] for row in rows] == ["slice by slice", "three"]
    assert all(row["banding_ratio"] < 1.05 for row in rows)
    assert (tmp_path / "banding-made_T1w.png").stat().st_size > 10_000


def test_the_noise_study_condemns_a_guesser_and_not_an_interpolation(interpolation, guesser, monkeypatch):
    monkeypatch.setattr(noise_study, "SIGMAS", (0.05,))
    for (checkpoint, setup), words in ((interpolation, "holds"), (guesser, "does not hold")):
        rows = noise_study.without_volume(checkpoint, setup)
        assert f"the rule of 0.1 {words}" in noise_study.verdict(rows)[0]


def test_the_command_runs_a_study(monkeypatch, data, tmp_path, interpolation, capsys):
    monkeypatch.setattr(noise_study, "SIGMAS", (0.05,))
    arguments = ["evaluate", interpolation[1].checkpoint, "--data", str(data), "--study", "noise", "--limit", "1"]
    assert entry.main([*arguments, "--output", str(tmp_path), "--device", "cpu"]) == 0
    assert (tmp_path / "noise.md").is_file() and "noise.md" in capsys.readouterr().out
    assert entry.main(arguments) == 2
    assert "one --output" in capsys.readouterr().err
