"""``--checkpoint auto``: what it chooses, why, and that a name stays a name."""

from dataclasses import replace

import pytest
import SimpleITK as sitk

from CHARMSSRLib import EnhancementSettings, FineTuningSettings, enhance
from CHARMSSRLib.acquisition.checkpoint_choice import choose_checkpoint
from CHARMSSRLib.acquisition.findings import NEAREST, NONE, Acquisition, Axis, Finding
from CHARMSSRLib.checkpoints.registry import find_weights, read_card
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT


def scan(contrast="T1w", noise=0.02, kind=NONE):
    axes = tuple(Axis(name, 0.9, 1.0, kind, 0.9) for name in ("left-right", "back-front", "foot-head"))
    return Acquisition(axes, contrast=Finding(contrast, 0.9), noise=Finding(noise, 0.8))


def test_the_reason_says_what_was_measured():
    choice = choose_checkpoint(scan("T2w"))
    assert choice.name == DEFAULT_CHECKPOINT
    assert choice.reason.startswith("0.90 mm, as measured; noise 2 %; T2w: charms-x2-clinical is the best")
    assert "not measured" not in choice.reason


@pytest.mark.parametrize(("what", "doubt"), [
    ({"contrast": "other"}, "this contrast"), ({"contrast": "unknown"}, "this contrast"),
    ({"noise": 0.2}, "so much noise"), ({"kind": NEAREST}, "pixels that were repeated"),
])  # fmt: skip
def test_it_says_where_the_study_does_not_hold(what, doubt):
    assert f"not measured with {doubt}" in choose_checkpoint(scan(**what)).reason


def test_auto_gives_what_the_chosen_name_gives_and_the_report_says_why(phantom_head, phantom_brain):
    settings = EnhancementSettings(device="cpu", bias_correction=False, checkpoint="auto")
    head, brain = (one[24:60, 24:60, 14:30] for one in (phantom_head, phantom_brain))
    automatic = enhance(head, settings, brain)
    named = enhance(head, replace(settings, checkpoint=DEFAULT_CHECKPOINT), brain)
    assert automatic.report["checkpoint"]["name"] == DEFAULT_CHECKPOINT
    assert "mm" in automatic.report["checkpoint"]["chosen"] and "chosen" not in named.report["checkpoint"]
    assert automatic.image.GetSize() == named.image.GetSize()
    assert sitk.Hash(automatic.image) == sitk.Hash(named.image)


def test_where_no_scan_was_looked_at_auto_has_the_default_card():
    assert read_card("auto")["name"] == DEFAULT_CHECKPOINT and find_weights("auto") == find_weights(DEFAULT_CHECKPOINT)


def test_no_checkpoint_of_ones_own_is_called_auto():
    with pytest.raises(SettingsError, match="and not auto"):
        FineTuningSettings(name="auto")
    assert FineTuningSettings(name="automatic").name == "automatic"
