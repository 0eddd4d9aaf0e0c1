"""``charmssr enhance``: options arrive, outputs appear together, errors leave nothing."""

import io
import json
import os
import signal
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.files import volume_writer
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.settings import EnhancementSettings

MODEL = ("--checkpoint", "any")


def assert_refused(done, words):
    assert done.status == 2 and done.out == ""
    lines = [line for line in done.err.splitlines() if " %  " not in line]
    assert len(lines) == 1 and lines[0].startswith("charmssr: error: ")
    assert words in lines[0]


def test_result_report_maps_and_mask_are_written(charmssr, fake_enhance, scan, tmp_path, listing):
    done = charmssr(
        "enhance", scan, tmp_path / "out.nrrd", *MODEL, "--report", tmp_path / "r.json", "--maps", tmp_path / "maps"
    )
    assert done.status == 0
    assert listing() == ["maps", "maps/out_detail.nii.gz", "maps/out_mask.nii.gz", "out.nrrd", "r.json", "scan.nii.gz"]
    assert done.out.startswith(f"{tmp_path / 'out.nrrd'}") and done.out.count("\n") == 1
    assert "charmssr: warning: a doubt\n" in done.err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["checkpoint"]["name"] == "any" and report["settings"]["maps"] is True
    assert report["files"]["input"] == str(scan) and report["input"] == {"size": [1]} and report["seconds"] >= 0
    assert read_volume(tmp_path / "out.nrrd").GetSize() == (80, 80, 18)


def test_options_reach_the_library(charmssr, fake_enhance, scan, tmp_path):
    charmssr(
        "enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--planes", "three", "--restore-bias",
        "--skull-strip", "none", "--keep-skull", "--data-consistency", "project", "--device", "cuda:1",
        "--precision", "bfloat16", "--batch", "7",
    )  # fmt: skip
    assert fake_enhance.calls[0].settings == EnhancementSettings(
        checkpoint="any", planes="three", restore_bias=True, skull_strip="none", keep_skull=True,
        data_consistency="project", device="cuda:1", precision="bfloat16", batch=7,
    )  # fmt: skip
    charmssr("enhance", scan, tmp_path / "other.nii.gz", *MODEL, "--no-bias-correction")
    assert fake_enhance.calls[1].settings == EnhancementSettings(checkpoint="any", bias_correction=False)


def test_a_mask_on_another_grid_reaches_the_library_on_the_images_grid(
    charmssr, fake_enhance, scan, tmp_path, phantom_brain
):
    write_volume(sitk.DICOMOrient(phantom_brain, "RAS"), tmp_path / "mask.nrrd")
    assert charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--mask", tmp_path / "mask.nrrd").status == 0
    mask = fake_enhance.calls[0].mask
    assert np.array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(phantom_brain))


def test_bad_masks_are_refused(charmssr, fake_enhance, scan, tmp_path, phantom_brain):
    write_volume(phantom_brain * 0, tmp_path / "empty.nii.gz")
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--mask", tmp_path / "empty.nii.gz")
    assert_refused(done, "mask is empty")
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--mask", tmp_path / "none.nii.gz")
    assert_refused(done, "no file or folder")
    assert fake_enhance.calls == []


@pytest.mark.parametrize("name, words", [("none.nii.gz", "no file or folder"), ("text.nii.gz", "cannot be read")])
def test_unreadable_inputs_are_refused(charmssr, fake_enhance, tmp_path, listing, name, words):
    (tmp_path / "text.nii.gz").write_text("no volume")
    assert_refused(charmssr("enhance", tmp_path / name, tmp_path / "out.nii.gz", *MODEL), words)
    assert listing() == ["text.nii.gz"] and fake_enhance.calls == []


def test_inputs_that_cannot_be_enhanced_are_refused(charmssr, fake_enhance, tmp_path, phantom_head, listing):
    write_volume(phantom_head * 0, tmp_path / "flat.nii.gz")
    assert_refused(charmssr("enhance", tmp_path / "flat.nii.gz", tmp_path / "out.nii.gz", *MODEL), "constant")
    write_volume(phantom_head[:, :, :9], tmp_path / "thin.nii.gz")
    assert_refused(charmssr("enhance", tmp_path / "thin.nii.gz", tmp_path / "out.nii.gz", *MODEL), "too small")
    assert listing() == ["flat.nii.gz", "thin.nii.gz"]


def test_outputs_are_checked_before_anything_is_read(charmssr, fake_enhance, tmp_path, listing):
    """The input does not even exist: the complaint is about the output."""
    source = tmp_path / "none.nii.gz"
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.nii.gz").write_text("precious")
    for arguments, words in (
        (["out.jpg"], "no extension of a volume"),
        (["missing/out.nii.gz"], "no folder"),
        (["file/out.nii.gz"], "no folder"),
        (["taken.nii.gz"], "exists already"),
        (["out.nii.gz", "--report", "missing/r.json"], "no folder"),
        (["out.nii.gz", "--report", "taken.nii.gz"], "exists already"),
        (["out.nii.gz", "--maps", "file/maps"], "no folder"),
        (["out.nii.gz", "--maps", "file"], "no folder"),
        (["out.nii.gz", "--report", "out.nii.gz"], "two names"),
    ):
        paths = [argument if argument.startswith("--") else tmp_path / argument for argument in arguments]
        done = charmssr("enhance", source, *paths, *MODEL)
        assert_refused(done, words)
        assert "--overwrite" not in done.err  # no message advises what loses a file
    assert listing() == ["file", "taken.nii.gz"]
    assert (tmp_path / "taken.nii.gz").read_text(encoding="utf-8") == "precious"


def test_a_folder_that_cannot_be_written_is_refused(charmssr, fake_enhance, scan, monkeypatch):
    if not os.path.isdir("/proc/self"):
        pytest.skip("needs /proc, where nobody can create files")
    assert_refused(charmssr("enhance", scan, "/proc/out.nii.gz", *MODEL), "cannot be written")


def test_the_input_is_never_replaced(charmssr, fake_enhance, scan, tmp_path):
    before = scan.read_bytes()
    assert_refused(charmssr("enhance", scan, scan, *MODEL, "--overwrite"), "is an input as well")
    assert_refused(charmssr("enhance", scan, scan, *MODEL), "is an input as well")
    os.link(scan, tmp_path / "same.nii.gz")
    assert_refused(charmssr("enhance", scan, tmp_path / "same.nii.gz", *MODEL, "--overwrite"), "is an input as well")
    assert scan.read_bytes() == before


def test_overwriting_is_possible_on_request(charmssr, fake_enhance, scan, tmp_path):
    (tmp_path / "out.nii.gz").write_text("old")
    assert charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--overwrite").status == 0
    assert read_volume(tmp_path / "out.nii.gz").GetSize() == (80, 80, 18)


def test_earlier_maps_of_the_same_name_are_not_overwritten(charmssr, fake_enhance, scan, tmp_path):
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "out_detail.nii.gz").write_text("old")
    assert_refused(charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--maps", maps), "exists already")
    assert charmssr("enhance", scan, tmp_path / "other.nii.gz", *MODEL, "--maps", maps).status == 0


def test_an_unknown_checkpoint_is_refused_before_the_input_is_read(charmssr, fake_enhance, tmp_path):
    done = charmssr("enhance", tmp_path / "none.nii.gz", tmp_path / "out.nii.gz", "--checkpoint", "unheard-of")
    assert_refused(done, "no checkpoint 'unheard-of'")


def test_options_that_contradict_each_other_are_refused(charmssr, fake_enhance, scan, tmp_path):
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--no-bias-correction", "--restore-bias")
    assert_refused(done, "--restore-bias needs")


def test_an_unknown_skull_strip_backend_is_refused_before_the_work(charmssr, fake_enhance, scan, tmp_path):
    assert_refused(charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--skull-strip", "magic"), "'magic'")
    assert fake_enhance.calls == []


def test_a_full_disk_leaves_nothing(charmssr, fake_enhance, scan, tmp_path, monkeypatch, listing):
    real, written = volume_writer.write_nifti, []

    def second_write_fails(*arguments, **options):
        written.append(arguments)
        if len(written) > 1:
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)

    monkeypatch.setattr(volume_writer, "write_nifti", second_write_fails)
    done = charmssr(
        "enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--maps", tmp_path / "maps", "--report", tmp_path / "r.json"
    )
    assert_refused(done, "is full")
    assert len(written) == 2 and listing() == ["scan.nii.gz"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_during_the_work_gives_130_and_nothing(charmssr, fake_enhance, scan, tmp_path, listing, number):
    fake_enhance.action = lambda step, image: os.kill(os.getpid(), number) if step == 2 else None
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--report", tmp_path / "r.json")
    assert done.status == 130 and done.out == ""
    assert done.err.splitlines()[-1] == "charmssr: cancelled; nothing was written."
    assert listing() == ["scan.nii.gz"]


def test_a_second_ctrl_c_does_not_wait_for_the_work(charmssr, fake_enhance, scan, tmp_path, listing):
    def twice(step, image):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second signal did not stop the work")

    fake_enhance.action = twice
    assert charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL).status == 130
    assert listing() == ["scan.nii.gz"]


def test_ctrl_c_while_writing_gives_130_and_nothing(charmssr, fake_enhance, scan, tmp_path, monkeypatch, listing):
    real = volume_writer.write_nifti

    def interrupted(*arguments, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **options)

    monkeypatch.setattr(volume_writer, "write_nifti", interrupted)
    assert charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL).status == 130
    assert listing() == ["scan.nii.gz"]


def test_signal_handlers_are_given_back(charmssr, fake_enhance, scan, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_missing_package_is_named(charmssr, scan, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "CHARMSSRLib.enhancement.enhance", None)
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL)
    assert_refused(done, "is missing; install it")


def test_names_with_spaces_and_umlauts_work(charmssr, fake_enhance, scan, tmp_path):
    odd = Path(tmp_path / "Schädel Größe 1.nii.gz")
    scan.rename(odd)
    assert charmssr("enhance", odd, tmp_path / "Ergebnis ü.nii.gz", *MODEL).status == 0
    assert read_volume(tmp_path / "Ergebnis ü.nii.gz").GetSize() == (80, 80, 18)


def test_result_mask_and_maps_state_both_forms_of_the_scan(charmssr, fake_enhance, scan, tmp_path):
    """With the voxel edges kept, the centre of the box stays where each form puts it."""
    image = nibabel.load(scan)
    image.set_sform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ image.affine, code=4)
    image.set_qform(image.header.get_qform(), code=1)
    nibabel.save(image, tmp_path / "both.nii.gz")
    out, maps = tmp_path / "out.nii.gz", tmp_path / "maps"
    done = charmssr("enhance", tmp_path / "both.nii.gz", out, *MODEL, "--maps", maps)
    assert done.status == 0 and "mirror image" in done.err
    source = nibabel.load(tmp_path / "both.nii.gz")
    for path in (out, maps / "out_mask.nii.gz", maps / "out_detail.nii.gz"):
        result = nibabel.load(path)
        assert (int(result.header["qform_code"]), int(result.header["sform_code"])) == (1, 4)
        for form in ("get_sform", "get_qform"):
            centres = [getattr(one.header, form)() @ [*((np.array(one.shape) - 1) / 2), 1] for one in (source, result)]
            assert np.allclose(*centres, atol=1e-3)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("name", ["Ергебнис-ü.nii.gz", "\udcff.nii.gz"])
def test_a_console_that_cannot_print_a_name_does_not_fail_the_work(
    fake_enhance, charmssr, scan, tmp_path, monkeypatch, encoding, name
):
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.TextIOWrapper(io.BytesIO(), encoding))
    try:
        done = charmssr("enhance", scan, tmp_path / name, *MODEL, "--report", tmp_path / "r.json")
    except UnicodeEncodeError:
        pytest.skip("this file system cannot hold the name")
    assert done.status == 0 and (tmp_path / name).exists() and (tmp_path / "r.json").exists()


def test_a_note_on_how_a_mask_of_probabilities_was_read_is_a_warning(
    charmssr, fake_enhance, scan, tmp_path, phantom_brain
):
    sitk.WriteImage(sitk.Cast(phantom_brain, sitk.sitkFloat32) * 0.4, str(tmp_path / "mask.nii.gz"))
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", *MODEL, "--mask", tmp_path / "mask.nii.gz")
    assert done.status == 0 and "probabilities of at most 0.4" in done.err
    mask = sitk.GetArrayFromImage(fake_enhance.calls[0].mask)
    assert np.array_equal(mask, sitk.GetArrayFromImage(phantom_brain))
