"""Batches of slices on a device: what comes back is in its place, also when memory runs short."""

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CHARMSSRLib import load_checkpoint
from CHARMSSRLib.engines import torch_engine
from CHARMSSRLib.engines.torch_runners import DirectRunner
from CHARMSSRLib.enhancement import inference
from CHARMSSRLib.enhancement.enhance import enhance
from CHARMSSRLib.errors import BackendError, Cancelled
from CHARMSSRLib.task import Task

WHOLE = slice(0, 20)


class LateRunner(DirectRunner):
    """As a GPU behaves: a batch is finished only when it is collected; ``limit`` slices fit at a time, in all."""

    def __init__(self, form, device, limit=10**9):
        super().__init__(form, device)
        self.limit, self.under_way, self.most_under_way = limit, 0, 0

    def submit(self, slices):
        if self.under_way + len(slices) > self.limit:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        self.under_way += len(slices)
        self.most_under_way = max(self.most_under_way, self.under_way)
        return slices

    def collect(self, ticket):
        self.under_way -= len(ticket)
        return super().collect(super().submit(ticket))


@pytest.fixture
def network(checkpoint):
    return load_checkpoint(checkpoint).network


@pytest.fixture
def settings(settings):
    """With torch, whose runner the tests replace."""
    return dataclasses.replace(settings, engine="torch")


@pytest.fixture
def stack():
    return np.random.default_rng(0).random((7, 20, 20)).astype(np.float32)


def enhancer_of(network, batch=0):
    return inference.SliceEnhancer(torch_engine.TorchModel(network), "cpu", "float32", batch)


def run(enhancer, stack, task=None):
    output = np.zeros((len(stack), 40, 40), np.float32)
    enhancer.run(stack, range(len(stack)), output, WHOLE, WHOLE, task)
    return output


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 16])
def test_batches_under_way_come_back_in_their_place(network, stack, batch, monkeypatch):
    expected = run(enhancer_of(network), stack)
    monkeypatch.setattr(torch_engine, "runner_for", LateRunner)
    enhancer, told = enhancer_of(network, batch), []
    output = run(enhancer, stack, Task(lambda *one: told.append(one)))
    assert np.allclose(output, expected, atol=1e-5)
    assert told[-1] == (1.0, "7 of 7") and told == sorted(told)
    assert enhancer._runner.most_under_way == min(7, 2 * batch), "the next batch is to be cut while one is computed"


def test_memory_that_holds_one_batch_but_not_two_costs_nothing_but_time(network, stack, monkeypatch):
    expected = run(enhancer_of(network), stack)
    monkeypatch.setattr(torch_engine, "runner_for", lambda form, device: LateRunner(form, device, limit=3))
    enhancer = enhancer_of(network, 3)
    assert np.allclose(run(enhancer, stack), expected, atol=1e-5)
    assert enhancer.batch == 3 and not enhancer.fallbacks


def test_cancelling_with_a_batch_under_way_stops(network, stack, monkeypatch):
    monkeypatch.setattr(torch_engine, "runner_for", LateRunner)
    asked = []
    with pytest.raises(Cancelled):
        run(enhancer_of(network, 2), stack, Task(is_cancelled=lambda: bool(asked.append(1)) or len(asked) > 2))
    assert len(asked) == 3


def test_short_memory_halves_the_batch_and_the_report_says_so(head_crop, settings, monkeypatch):
    image, mask = head_crop
    expected = sitk.GetArrayFromImage(enhance(image, settings, mask).image)
    monkeypatch.setattr(torch_engine, "runner_for", lambda form, device: LateRunner(form, device, limit=2))
    result = enhance(image, dataclasses.replace(settings, batch=8), mask)
    assert result.report["batch"] == 2
    assert [text for text in result.report["notes"] if "reduced to 2" in text]
    assert np.allclose(sitk.GetArrayFromImage(result.image), expected, atol=1e-5 * expected.max())


def test_when_one_slice_is_too_much_for_the_cpu_the_message_says_what_to_do(head_crop, settings, monkeypatch):
    image, mask = head_crop
    monkeypatch.setattr(torch_engine, "runner_for", lambda form, device: LateRunner(form, device, limit=0))
    with pytest.raises(BackendError, match="memory"):
        enhance(image, settings, mask)


def test_a_device_that_runs_short_hands_over_to_the_cpu(network, stack):
    enhancer = enhancer_of(network)
    expected = run(enhancer, stack)
    enhancer.device = "meta"  # any that is not the CPU
    enhancer._runner = LateRunner(None, torch.device("meta"), limit=0)
    assert np.allclose(run(enhancer, stack), expected)
    assert enhancer.device == "cpu" and "CPU" in enhancer.fallbacks[-1]


@pytest.mark.parametrize("text", ["CUDA out of memory. Tried to allocate 2.00 MiB", "CUDA error: out of memory"])
def test_a_device_without_room_for_the_weights_hands_over_to_the_cpu(network, stack, monkeypatch, text):
    expected = run(enhancer_of(network), stack)

    def full(form, device):
        if device.type != "cpu":
            raise RuntimeError(text)
        return DirectRunner(form, device)

    monkeypatch.setattr(torch_engine, "runner_for", full)
    enhancer = inference.SliceEnhancer(torch_engine.TorchModel(network), "meta")
    assert enhancer.device == "cpu" and enhancer.batch == 1
    assert enhancer.fallbacks == ["The memory of meta was short: the network ran on the CPU in float32."]
    assert np.allclose(run(enhancer, stack), expected)


def test_a_device_that_fails_otherwise_is_not_hidden(network, monkeypatch):
    def broken(form, device):
        raise RuntimeError("no kernel image is available for execution on the device")

    monkeypatch.setattr(torch_engine, "runner_for", broken)
    with pytest.raises(RuntimeError, match="no kernel image"):
        inference.SliceEnhancer(torch_engine.TorchModel(network), "meta")


def test_a_failure_that_is_not_memory_is_not_hidden(head_crop, settings, monkeypatch):
    image, mask = head_crop

    def broken(self, slices):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(DirectRunner, "submit", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        enhance(image, settings, mask)
