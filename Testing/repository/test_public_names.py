"""What scripts rely on stays: public names, settings, commands and the arguments of the module's logic."""

import inspect

import CHARMSSRLib
from CHARMSSRLab.cli import COMMANDS as LABORATORY
from CHARMSSRLib.cli.entry import COMMANDS
from CHARMSSRLib.settings import EnhancementSettings, FineTuningSettings
from CHARMSSRLib.settings_table import settings_of

NAMES = {
    "CHARMS", "Cancelled", "CHARMSSRError", "Checkpoint", "Enhancement", "EnhancementSettings", "FineTuning",
    "FineTuningSettings", "Pair", "available_checkpoints", "enhance", "fine_tune", "load_checkpoint",
}  # fmt: skip
ALL_COMMANDS = {
    "enhance", "batch", "fine-tune", "prepare", "train", "evaluate", "compare", "reproduce", "benchmark", "export",
    "checkpoints", "worker",
}  # fmt: skip
ENHANCEMENT = {
    "checkpoint", "planes", "bias_correction", "restore_bias", "skull_strip", "keep_skull", "data_consistency", "maps",
    "device", "precision", "batch",
}  # fmt: skip
FINE_TUNING = {
    "name", "folder", "checkpoint", "learning_rate", "steps", "batch", "patch", "validate_every", "patience",
    "hold_out", "leave_one_out", "bias_correction", "skull_strip", "device", "precision", "seed", "overwrite",
}  # fmt: skip


def test_every_public_name_is_there():
    assert set(CHARMSSRLib.__all__) >= NAMES
    assert [name for name in NAMES if not callable(getattr(CHARMSSRLib, name))] == []


def test_every_command_is_there():
    assert {*COMMANDS, *LABORATORY} >= ALL_COMMANDS


def test_every_setting_is_there():
    assert set(settings_of(EnhancementSettings)) >= ENHANCEMENT
    assert set(settings_of(FineTuningSettings)) >= FINE_TUNING


def test_enhance_and_fine_tune_take_what_they_took():
    functions = (CHARMSSRLib.enhance, CHARMSSRLib.fine_tune)
    enhance, fine_tune = (list(inspect.signature(one).parameters) for one in functions)
    assert enhance[:5] == ["image", "settings", "mask", "progress", "is_cancelled"]
    assert fine_tune[:6] == ["pairs", "settings", "progress", "is_cancelled", "observe", "command"]
