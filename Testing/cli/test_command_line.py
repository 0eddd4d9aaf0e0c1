"""The frame of the command line: help, statuses, one-line errors, a fast start."""

import logging
import os
import subprocess
import sys

import pytest

from CHARMSSRLib import __version__
from CHARMSSRLib.cli import entry
from CHARMSSRLib.cli.progress import ProgressLine, tell_warnings
from CHARMSSRLib.settings import EnhancementSettings


def python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=600, **options)


def test_the_version_is_told_without_anything_heavy():
    done = python("-X", "importtime", "-m", "CHARMSSRLib", "--version")
    assert done.returncode == 0 and done.stdout == f"charmssr {__version__}\n"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "CHARMSSRLib.cli.entry" in imported
    assert not {"torch", "ncnn", "SimpleITK", "numpy", "scipy"} & imported


def test_neither_the_parser_nor_the_list_of_checkpoints_imports_torch_or_itk():
    program = (
        "import sys; from CHARMSSRLib.cli import main; main(['enhance', '--help']); main(['checkpoints'])\n"
        "assert not {'torch', 'SimpleITK', 'numpy', 'scipy'} & set(sys.modules), sys.modules"
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr


def test_bad_input_is_refused_before_torch_is_loaded(tmp_path):
    (tmp_path / "any.safetensors").write_bytes(b"")
    arguments = ["enhance", str(tmp_path), str(tmp_path / "out.nii"), "--checkpoint", str(tmp_path / "any.safetensors")]
    program = (
        f"import sys; from CHARMSSRLib.cli import main; main({arguments!r})\n"
        "assert 'SimpleITK' in sys.modules and 'torch' not in sys.modules"
    )
    done = python("-c", program)
    assert done.returncode == 0 and "no DICOM images" in done.stderr


def test_every_command_explains_itself(charmssr):
    for command in entry.COMMANDS:
        done = charmssr(command, "--help")
        assert done.status == 0 and f"usage: charmssr {command}" in done.out
        assert command in charmssr("--help").out


def test_no_command_shows_the_help(charmssr):
    done = charmssr()
    assert done.status == 2 and "enhance one volume" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("enhance",),
        ("enhance", "a.nii", "b.nii", "--planes", "diagonal"),
        ("enhance", "a.nii", "b.nii", "--device", "tpu"),
        ("enhance", "a.nii", "b.nii", "--batch", "-1"),
        ("enhance", "a.nii", "b.nii", "--unknown"),
        ("enhance", "a.nii", "b.nii", "--plane", "three"),
    ],
)
def test_wrong_usage_gives_one_line_and_status_2(charmssr, arguments):
    done = charmssr(*arguments)
    assert done.status == 2 and done.out == ""
    assert done.err.startswith("charmssr: error: ") and done.err.count("\n") == 1


def test_every_setting_has_an_option_of_its_name():
    options = entry.build_parser().parse_args(["enhance", "a", "b"])
    for name in EnhancementSettings.__dataclass_fields__:
        assert hasattr(options, name)


def test_the_defaults_of_the_options_are_the_defaults_of_the_settings():
    from CHARMSSRLib.cli.options import settings_from

    assert settings_from(entry.build_parser().parse_args(["enhance", "a", "b"])) == EnhancementSettings()


def test_unexpected_errors_are_one_line_and_show_their_traceback_on_request(charmssr, fake_enhance, scan, tmp_path):
    def explode(step, image):
        raise ZeroDivisionError("a bug\nin two lines")

    fake_enhance.action = explode
    done = charmssr("enhance", scan, tmp_path / "out.nii.gz", "--checkpoint", "any")
    assert done.status == 1 and "Traceback" not in done.err
    assert "charmssr: error: ZeroDivisionError: a bug in two lines (unexpected; please report" in done.err
    for debugging in (
        ("--debug", "enhance", scan, tmp_path / "out.nii.gz", "--checkpoint", "any"),
        ("enhance", scan, tmp_path / "out.nii.gz", "--checkpoint", "any", "--debug"),
    ):
        assert "Traceback" in charmssr(*debugging).err


@pytest.mark.parametrize(
    "arguments",
    [("enhance", "{long}", "out.nii.gz"), ("enhance", "scan.nii.gz", "{long}.nii.gz"), ("inspect", "{long}"),
     ("batch", "{long}", "results"), ("bids", "{long}", "results", "participant"), ("export", "{long}", "out.onnx"),
     ("fine-tune", "{long}", "mine")],
)  # fmt: skip
def test_a_path_that_no_system_takes_is_bad_input(charmssr, arguments):
    done = charmssr(*(one.format(long="x" * 300) for one in arguments))
    assert done.status == 2 and len(done.err.splitlines()) == 1 and "unexpected" not in done.err


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m CHARMSSRLib checkpoints | true",
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "CHARMSSR_HOME": str(tmp_path)},
        timeout=600,
    )
    assert done.stderr == ""


def test_the_list_of_checkpoints_is_one_line_each_or_json(charmssr, tmp_path):
    import json

    card = {"format": 1, "name": "mine", "task": "super-resolution", "architecture": {}, "scale": 2}
    card.update(margin=16, data_consistency_operator="bicubic", sha256="0", summary="A model of my own.")
    card["intensity"] = {"kind": "minmax"}
    for name, changes in (("mine", {}), ("lies", {"scale": 4})):
        (tmp_path / ".home" / f"{name}.json").write_text(json.dumps({**card, "name": name, **changes}))
        (tmp_path / ".home" / f"{name}.safetensors").write_bytes(b"")
    done = charmssr("checkpoints")
    assert done.status == 0 and "mine" in done.out and "A model of my own." in done.out
    assert "lies.json cannot be used: it says scale 4, its architecture 2" in done.out
    cards = json.loads(charmssr("checkpoints", "--json").out)
    assert cards["mine"]["summary"] == "A model of my own." and cards["lies"]["unreadable"]


def test_what_is_logged_reaches_the_user_as_loud_as_wished(capsys):
    for flags, shown in (({}, ["warned"]), ({"verbose": True}, ["told", "warned"]), ({"quiet": True}, [])):
        entry.configure_logging(**flags)
        logger = logging.getLogger("CHARMSSRLib.somewhere")
        logger.info("told")
        logger.warning("warned")
        lines = capsys.readouterr().err.splitlines()
        assert [line.rpartition(" ")[2] for line in lines] == shown
    entry.configure_logging()


def test_quiet_shows_neither_progress_nor_warnings(capsys):
    entry.configure_logging(quiet=True)
    ProgressLine()(0.5, "half")
    tell_warnings(["a doubt"])
    assert capsys.readouterr().err == ""
    entry.configure_logging()
    tell_warnings(["a doubt"])
    assert capsys.readouterr().err == "charmssr: warning: a doubt\n"
