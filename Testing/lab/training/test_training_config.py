"""A training's configuration refuses, with a sentence, what no training could carry out."""

import json
import re

import pytest

from CHARMSSRLab.training.config import TrainingConfig
from CHARMSSRLab.training.degradation_list import DEGRADATIONS
from CHARMSSRLab.training.degradations import FUNCTIONS
from CHARMSSRLib.errors import SettingsError


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schedule", "linear"), ("precision", "bf16"), ("steps", "many"), ("steps", 0), ("scale", 7), ("scale", 2.0),
        ("degradation", "foo"), ("method", "bicubik"), ("learning_rate", -1), ("learning_rate", float("nan")),
        ("initial", 3), ("keep_noise", "yes"), ("lesions", 1.5), ("arguments", ["blocks"]), ("no_such_key", 1),
        ("slopes", float("inf")),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_file_and_the_setting_named(tmp_path, key, value):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"name": "run", key: value}), encoding="utf-8")
    with pytest.raises(SettingsError, match="run.json") as refused:
        TrainingConfig.read(path)
    assert re.search(key.replace("_", "[ _]"), str(refused.value))


@pytest.mark.parametrize("name", ["", "a/b", "../elsewhere", "two lines\n", "auto", "n" * 300])
def test_a_name_that_would_lead_its_files_elsewhere_is_refused(name):
    with pytest.raises(SettingsError, match="cannot name a checkpoint"):
        TrainingConfig(name)


def test_a_name_is_needed(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(SettingsError, match="name"):
        TrainingConfig.read(path)


def test_every_degradation_that_is_named_can_be_computed_and_no_other():
    assert set(FUNCTIONS) == set(DEGRADATIONS)
