"""``charmssr evaluate`` from the manifest to the table."""

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest
import SimpleITK as sitk

from CHARMSSRLab import cli as entry
from CHARMSSRLab.comparison.protocol import BASELINE, score_prepared
from CHARMSSRLab.comparison.volumes import first_planes
from CHARMSSRLab.training.prepare import prepare_volume
from CHARMSSRLib.files.volumes import read_volume
from Testing.phantom import phantom_head_and_brain
from Testing.small_checkpoint import small_checkpoint


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folder with a manifest, a T1w phantom of split val and a T2w one of split test."""
    folder = tmp_path_factory.mktemp("data")
    lines = ["file,subject,split,contrast,skull"]
    for contrast, split in (("T1w", "val"), ("T2w", "test")):
        image, brain = phantom_head_and_brain(size=(48, 56, 16), spacing=(3.6, 3.6, 8.8), contrast=contrast)
        sitk.WriteImage(sitk.Mask(image, brain), str(folder / f"{contrast}.nii.gz"))
        lines.append(f"{contrast}.nii.gz,phantom_{contrast},{split},{contrast},stripped")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    card = {"intensity": {"kind": "minmax"}, "margin": 8}
    return Path(small_checkpoint(tmp_path_factory.mktemp("checkpoint"), "tiny", seed=0, spread=0.01, card=card))


def evaluate(monkeypatch, *arguments):
    return entry.main(["evaluate", *map(str, arguments)])


def test_the_table_has_the_split_alone_and_every_degradation(monkeypatch, data, checkpoint, tmp_path):
    outputs = tmp_path / "scores.csv", tmp_path / "scores.md"
    status = evaluate(
        monkeypatch, checkpoint, "--data", data, "--degradation", "bicubic", "blur",
        "--output", outputs[0], "--output", outputs[1],
    )  # fmt: skip
    assert status == 0
    with open(outputs[0], newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["degradation"], row["method"]) for row in rows] == [
        (degradation, method) for degradation in ("bicubic", "blur") for method in ("bicubic", "tiny", "reference")
    ]
    assert {row["subject"] for row in rows} == {"phantom_T1w"}
    assert rows[0]["brain_psnr"] != rows[1]["brain_psnr"]
    assert "# tiny on the val volumes" in outputs[1].read_text(encoding="utf-8")


def test_the_first_plane_of_each_volume_is_the_axial_one():
    labels = [("a", "T1w", "axial"), ("a", "T1w", "coronal"), ("a", "T2w", "axial"), ("b", "T1w", "sagittal")]
    volumes = [SimpleNamespace(subject=subject, contrast=contrast, plane=plane) for subject, contrast, plane in labels]
    assert list(first_planes(volumes)) == [volumes[0], volumes[2], volumes[3]]


def test_without_an_output_the_table_is_printed(monkeypatch, data, checkpoint, capsys):
    status = evaluate(monkeypatch, checkpoint, "--data", data, "--split", "test", "--slices", 6)
    assert status == 0
    assert "## T2w x2, bicubic (1 subject)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong, words",
    [
        (["--contrast", "FLAIR"], "FLAIR"),
        (["--split", "nowhere"], "nowhere"),
        (["--output", "missing_folder/scores.csv"], "missing_folder"),
        (["--degradation", "nearest"], "nearest"),
    ],
)
def test_wrong_usage_gets_one_line_and_status_2(monkeypatch, data, checkpoint, capsys, wrong, words):
    assert evaluate(monkeypatch, checkpoint, "--data", data, *wrong) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1 and words in errors[0]


def test_a_missing_checkpoint_gets_one_line_and_status_2(monkeypatch, data, capsys):
    assert evaluate(monkeypatch, "charms-x9", "--data", data) == 2
    assert "charms-x9" in capsys.readouterr().err


def test_bicubic_on_a_real_volume_scores_in_the_known_range(volume_path):
    # 32 to 35 dB by the maximum as range; the 99.9th percentile stands about 4 dB lower in this one.
    image = read_volume(volume_path("ds002748_sub-04_T1w"))
    (volume,) = prepare_volume(image, "ds002748_sub-04", "T1w", "val", already_stripped=True)
    row = score_prepared(volume, [BASELINE], "bicubic", 2, central=16)[0]
    assert row["plane"] == "axial"
    assert 26 < row["brain_psnr"] < 31
    assert row["slice_psnr"] > row["brain_psnr"] + 4
    assert 0.9 < row["brain_ssim"] < row["slice_ssim"] < 1
