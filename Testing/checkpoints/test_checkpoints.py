"""Checkpoints: what is listed, what is loaded, and what is refused with which words."""

import hashlib
import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from CHARMSSRLib import CHARMS, available_checkpoints, load_checkpoint
from CHARMSSRLib.checkpoints.loading import save_checkpoint
from CHARMSSRLib.checkpoints.registry import (
    BUNDLED_FOLDER,
    label,
    read_card,
    sha256_of,
    user_checkpoint_folder,
)
from CHARMSSRLib.engines.models import load_model
from CHARMSSRLib.errors import CheckpointError, OutputError, SettingsError

CARD = {"intensity": {"kind": "minmax"}, "margin": 16, "data_consistency_operator": "bicubic"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's folder of checkpoints."""
    monkeypatch.setenv("CHARMSSR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def mine(home):
    """A small user checkpoint called "mine"."""
    return save_checkpoint(CHARMS(blocks=1, units=1), {"name": "mine", **CARD}, home)


def rewrite_card(path, **changes):
    card_path = path.with_suffix(".json")
    card = json.loads(card_path.read_text(encoding="utf-8"))
    card.update(changes)
    card_path.write_text(json.dumps(card))


def test_what_was_saved_is_loaded_in_eval_mode_with_its_card(home):
    network = CHARMS(4, transformer=False, blocks=2, units=1)
    path = save_checkpoint(network, {"name": "mine", **CARD}, home)
    loaded = load_checkpoint("mine")
    assert not loaded.network.training and loaded.card["scale"] == 4
    assert loaded.card["architecture"] == network.arguments
    assert all(torch.equal(v, loaded.network.state_dict()[k]) for k, v in network.state_dict().items())
    assert load_checkpoint(path).card == loaded.card == load_checkpoint(path.with_suffix(".json")).card


def test_bundled_weights_are_stored_in_half_precision_and_run_in_float32(home):
    path = save_checkpoint(CHARMS(blocks=1, units=1), {"name": "half", **CARD}, home, half=True)
    assert all(v.dtype == torch.float16 for v in load_file(path).values())
    assert all(v.dtype == torch.float32 for v in load_checkpoint("half").network.state_dict().values())


def test_user_checkpoints_are_listed_after_the_bundled_ones_and_shadow_none(home, mine):
    bundled = [name for name in available_checkpoints() if name != "mine"]
    assert available_checkpoints() == bundled + ["mine"]
    for suffix in (".json", ".safetensors"):
        shutil.copy(mine.with_suffix(suffix), home / f"charms-x2-bicubic{suffix}")
    assert available_checkpoints() == bundled + ["mine"]
    assert read_card("charms-x2-bicubic")["training_data"], "the user's file took the place of the bundled one"


def test_the_users_folder_is_outside_the_installation(monkeypatch, tmp_path):
    monkeypatch.delenv("CHARMSSR_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert BUNDLED_FOLDER not in user_checkpoint_folder().parents
    assert user_checkpoint_folder().name == "charmssr"


def test_a_result_is_called_7t_like_only_when_the_card_says_so():
    assert label({"seen_7t": True}) == "7T-like"
    assert label({"seen_7t": False}) == label({}) == "super-resolved"


def test_an_unknown_name_lists_what_there_is(home, mine):
    with pytest.raises(CheckpointError, match="mine"):
        load_checkpoint("theirs")


def test_a_changed_byte_is_noticed(mine):
    data = bytearray(mine.read_bytes())
    data[-1] ^= 1
    mine.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint("mine")


def test_a_truncated_file_is_damaged(mine):
    mine.write_bytes(mine.read_bytes()[: mine.stat().st_size // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint("mine")


def test_weights_of_another_architecture_are_refused(mine):
    save_file(CHARMS(blocks=2, units=1).state_dict(), mine)
    rewrite_card(mine, sha256=sha256_of(mine))
    with pytest.raises(CheckpointError, match="another architecture"):
        load_checkpoint("mine")
    rewrite_card(mine, architecture={"colour": "blue"})
    with pytest.raises(CheckpointError, match="cannot build"):
        load_checkpoint("mine")


@pytest.mark.parametrize(
    "change, words",
    [({"format": 99}, "update"), ({"task": "segmentation"}, "not a super-resolution"), ({"sha256": "0"}, "damaged")],
)
def test_a_card_that_does_not_fit_is_refused(mine, change, words):
    rewrite_card(mine, **change)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint("mine")


@pytest.mark.parametrize(
    "change",
    [{"weights": "q/mine.safetensors"}, {"weights": ""}, {"weights": 3}, {"sha256": None}, {"default": "80"}, []],
)
def test_a_noise_control_that_names_no_file_beside_the_weights_is_refused(mine, change):
    whole = {"weights": "quiet.safetensors", "sha256": "0", "default": 80}
    rewrite_card(mine, noise_control=whole)
    assert read_card("mine")["noise_control"] == whole
    rewrite_card(mine, noise_control={**whole, **change} if change else ["quiet.safetensors"])
    with pytest.raises(CheckpointError, match=r"mine\.json cannot be used: its noise_control"):
        read_card("mine")


def test_weights_without_a_quiet_set_cannot_take_noise_away(mine):
    with pytest.raises(SettingsError, match="cannot take noise away"):
        load_checkpoint("mine", denoise=40)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_card_is_refused_and_not_listed(mine, text):
    mine.with_suffix(".json").write_text(text)
    with pytest.raises(CheckpointError, match="card"):
        load_checkpoint("mine")
    assert "mine" not in available_checkpoints()


def test_a_missing_card_is_named(mine):
    mine.with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match="card .* is missing"):
        load_checkpoint(mine)


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_that_is_not_plain_weights_is_refused_without_being_run(tmp_path):
    trace = tmp_path / "ran"
    for name, write in (("a.pt", torch.save), ("b.pt", lambda value, path: path.write_bytes(pickle.dumps(value)))):
        write(Harmful(trace), tmp_path / name)
        with pytest.raises(CheckpointError, match="weights"):
            load_checkpoint(tmp_path / name)
    assert not trace.exists()
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="plain weights"):
        load_checkpoint(tmp_path / "list.pt")


def test_plain_pt_weights_with_a_card_are_read(home, mine):
    plain = mine.with_suffix(".pt")
    torch.save(load_file(mine), plain)
    rewrite_card(mine, sha256=sha256_of(plain))
    assert load_checkpoint(plain).network.scale == 2


def test_pt_files_are_refused_before_torch_2_6(tmp_path, monkeypatch):
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pt")
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(CheckpointError, match="2.6"):
        load_checkpoint(tmp_path / "a.pt")


def test_another_file_is_no_checkpoint(tmp_path):
    (tmp_path / "scan.nii.gz").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "scan.nii.gz")


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="another folder"):
        save_checkpoint(CHARMS(blocks=1, units=1), {"name": "x", **CARD}, tmp_path / "file" / "below")


@pytest.mark.parametrize("name", ["charms-x2-bicubic", "charms-x2-clinical"])
def test_every_bundled_checkpoint_is_whole_and_its_card_complete(name):
    checkpoint = load_checkpoint(name)
    card = checkpoint.card
    weights = BUNDLED_FOLDER / f"{name}.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    for key in ("title", "summary", "degradations", "training_data", "training", "validation", "licence",
                "intended_use", "limits", "preliminary", "seen_7t"):  # fmt: skip
        assert key in card, key
    for key in ("command", "seed", "steps", "hardware", "seconds"):
        assert card["training"][key] not in (None, ""), key
    assert all(source["subjects"] > 0 and source["licence"] for source in card["training_data"])
    assert checkpoint.network.tail.weight.abs().max() > 0, "untrained weights"
    assert card["validation"]["psnr_db"] > card["validation"]["bicubic_psnr_db"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scale", 4), ("scale", "2"), ("scale", True), ("intensity", 7), ("intensity", {"kind": "foo"}), ("margin", -1),
        ("intensity", {"kind": "percentile", "upper": "99"}), ("margin", 2.5), ("data_consistency_operator", "foo"),
        ("data_consistency_operator", ["bicubic"]), ("name", ""), ("name", "../other"), ("name", None),
        ("sha256", None), ("title", 3), ("summary", ["one"]), ("seen_7t", "no"), ("preliminary", 0),
        ("degradations", "bicubic"), ("degradations", [1]), ("architecture", []),
    ],
)  # fmt: skip
def test_a_card_that_says_what_cannot_be_is_refused_before_any_work(mine, key, value):
    rewrite_card(mine, **{key: value})
    with pytest.raises(CheckpointError, match=rf"mine\.json cannot be used: .*{key}"):
        read_card("mine")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("blocks", "four"),
        ("units", 2.0),
        ("in_channels", 2),
        ("transformers", None),
        ("refinement", "yes"),
        ("rungs", 3),
    ],
)
def test_an_architecture_that_cannot_be_built_is_refused_by_both_engines(mine, key, value):
    card = read_card("mine")
    rewrite_card(mine, architecture={**card["architecture"], key: value})
    for load in (load_checkpoint, lambda name: load_model("ncnn", name, "auto")):
        with pytest.raises(CheckpointError, match=f"cannot build: .*{key}"):
            load("mine")


def test_a_name_that_no_system_takes_is_no_checkpoint(home):
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        read_card("n" * 300)
