"""Graphics cards by Vulkan: found by name, compared before their first use, refused where they are wrong."""

import json
import os

import numpy as np
import pytest

from CHARMSSRLib import EnhancementSettings
from CHARMSSRLib.checkpoints.architecture import Architecture
from CHARMSSRLib.engines import ncnn_vulkan
from CHARMSSRLib.engines.choice import Choice, choose_engine
from CHARMSSRLib.engines.ncnn_charms import CharmsGraphs
from CHARMSSRLib.engines.ncnn_engine import ProcessorRunner
from CHARMSSRLib.engines.ncnn_vulkan import (
    Card,
    VulkanRunner,
    checked_runner,
    find_card,
    largest_difference,
    vulkan_cards,
)
from CHARMSSRLib.enhancement.inference import SliceEnhancer
from CHARMSSRLib.errors import BackendError, SettingsError
from Testing.engines.test_ncnn_engine import random_weights


@pytest.fixture
def graphs():
    weights, _ = random_weights()
    return CharmsGraphs(weights.arrays, Architecture.of_card(weights.card))


@pytest.fixture
def card(monkeypatch):
    """A computer with a card, after a software driver."""
    cards = (Card(0, "llvmpipe", "1:0:1", True), Card(1, "Arc", "32902:22177:7", False))
    monkeypatch.setattr(ncnn_vulkan, "vulkan_cards", lambda: cards)
    return cards[1]


class CountingRunner(ProcessorRunner):
    """Stands for a card, whose answers are off by ``error``."""

    error, made, asked = 0.0, 0, 0

    def __init__(self, graphs, index, precision):
        super().__init__(graphs)
        type(self).made += 1

    def submit(self, slices):
        type(self).asked += 1
        return super().submit(slices) + type(self).error


@pytest.fixture
def runner(monkeypatch, card):
    kind = type("Runner", (CountingRunner,), {"made": 0, "asked": 0})
    monkeypatch.setattr(ncnn_vulkan, "VulkanRunner", kind)
    return kind


def test_a_card_is_named_by_its_number_and_never_chosen_by_itself(card):
    assert choose_engine("auto", "vulkan:1") == Choice("ncnn", "vulkan:1", "float32")
    assert choose_engine("ncnn", "vulkan:1", "float16").precision == "float16"
    assert choose_engine("ncnn", "auto").device == "cpu"
    assert EnhancementSettings(device="vulkan:1").device == "vulkan:1"


def test_what_is_not_there_or_is_the_processor_in_disguise_is_refused_in_a_sentence(card):
    with pytest.raises(BackendError, match=r"vulkan:2 is not there .*vulkan:1 \(Arc\)\): choose cpu"):
        find_card("vulkan:2")
    with pytest.raises(BackendError, match="software driver"):
        find_card("vulkan")
    with pytest.raises(SettingsError, match="engine torch does not compute on vulkan"):
        choose_engine("torch", "vulkan:1")
    with pytest.raises(SettingsError, match="bfloat16"):
        choose_engine("ncnn", "vulkan:1", "bfloat16")


def test_a_driver_that_crashes_or_is_not_there_means_no_cards(monkeypatch):
    monkeypatch.setattr(ncnn_vulkan, "_QUESTION", "import os; os.abort()")
    vulkan_cards.cache_clear()
    assert vulkan_cards() == ()
    vulkan_cards.cache_clear()


def test_a_card_that_computes_right_is_compared_once(graphs, runner, tmp_path):
    for _ in range(2):
        checked_runner(graphs, "vulkan:1", "float32", tmp_path)
    assert (runner.made, runner.asked) == (2, 3)
    checked_runner(graphs, "vulkan:1", "float16", tmp_path)  # another precision is another question
    assert runner.asked == 6


@pytest.mark.parametrize("error", [0.01, np.nan])
def test_a_card_that_computes_wrong_is_not_used_until_its_driver_changes(graphs, runner, tmp_path, monkeypatch, error):
    runner.error = np.float32(error)
    for _ in range(2):
        with pytest.raises(BackendError, match="Arc computes wrong .* choose the device cpu"):
            checked_runner(graphs, "vulkan:1", "float32", tmp_path)
    assert runner.asked == 3, "the second time it is known"
    runner.error = np.float32(0)
    monkeypatch.setattr(ncnn_vulkan, "vulkan_cards", lambda: (None, Card(1, "Arc", "32902:22177:8", False)))
    checked_runner(graphs, "vulkan:1", "float32", tmp_path)


def test_damaged_notes_of_earlier_checks_are_made_anew(graphs, runner, tmp_path):
    (tmp_path / "vulkan-checks.json").write_text("[1, 2")
    checked_runner(graphs, "vulkan:1", "float32", tmp_path)
    assert list(json.loads((tmp_path / "vulkan-checks.json").read_text(encoding="utf-8")).values())[0] < 1e-6


class Failing:
    """A network on a card whose driver answers with a status."""

    def __init__(self, status):
        self._status = status

    def create_extractor(self):
        return self

    def input(self, name, blob):
        pass

    def extract(self, name, kind):
        return self._status, None


def failing_runner(graphs, status):
    runner = object.__new__(VulkanRunner)
    runner._graphs, runner._index, runner._net = graphs, 1, Failing(status)
    return runner


def test_a_card_that_disappears_is_a_sentence_that_names_the_way_out(graphs):
    with pytest.raises(BackendError, match="vulkan:1 stopped computing: choose the device cpu"):
        failing_runner(graphs, -1).submit(np.ones((1, 1, 8, 8), np.float32))


def test_a_card_without_memory_leaves_the_rest_to_the_processor(graphs):
    class Model:
        scale, in_channels = 2, 1

        def runner(self, device, precision):
            return ProcessorRunner(graphs) if device == "cpu" else failing_runner(graphs, -100)

        def make_room(self):
            pass

    stack = np.random.default_rng(0).random((2, 8, 9), dtype=np.float32)
    output, whole = np.zeros((2, 16, 18), np.float32), (slice(0, 8), slice(0, 9))
    enhancer = SliceEnhancer(Model(), "vulkan:1", "float16")
    enhancer.run(stack, (0, 1), output, *whole)
    expected = ProcessorRunner(graphs)
    assert np.array_equal(output, expected.collect(expected.submit(stack[:, None])))
    assert enhancer.device == "cpu" and enhancer.precision == "float32"
    assert enhancer.fallbacks == ["The memory of vulkan:1 was short: the rest ran on the CPU in float32."]


@pytest.mark.skipif(os.environ.get("CHARMSSR_TEST_VULKAN") != "1", reason="compiles shaders for a minute: on request")
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_real_driver_a_software_one_too_is_the_same_function(graphs, precision):
    if not vulkan_cards():
        pytest.skip("no Vulkan driver is installed")
    difference = largest_difference(graphs, VulkanRunner(graphs, vulkan_cards()[0].index, precision))
    assert difference < ncnn_vulkan.ALLOWED[precision]
