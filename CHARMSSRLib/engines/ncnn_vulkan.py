"""The engine ncnn on graphics cards, by Vulkan: NVIDIA's, AMD's, Intel's and Apple's.

Drivers are wrong now and then. A card is therefore asked for three slices before its first use, which are compared
with the processor's; the answer is kept until its driver, ncnn or the precision changes.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..checkpoints.registry import user_checkpoint_folder
from ..errors import BackendError
from ..grids.cubic import resized
from .ncnn_engine import ProcessorRunner, computed, usable_ncnn

if TYPE_CHECKING:
    from .interface import Runner
    from .ncnn_charms import CharmsGraphs

SOFTWARE = 3  # ncnn's type of a "card" that is the processor: llvmpipe, lavapipe, SwiftShader
ALLOWED = {"float32": 1e-4, "float16": 2e-3}  # of the slices' range
CHECKED_SIZES = ((24, 20), (17, 33), (40, 40))
_KEPT = "vulkan-checks.json"
_SECONDS = 60
# Asked in a process of its own: a driver that crashes takes nothing along.
_QUESTION = """
import json, ncnn
def value(one):
    return one() if callable(one) else one
cards = [ncnn.get_gpu_info(index) for index in range(ncnn.get_gpu_count())]
names = ("device_name", "driver_version", "vendor_id", "device_id", "type")
print("CARDS" + json.dumps([{name: value(getattr(card, name)) for name in names} for card in cards]))
"""


@dataclass(frozen=True)
class Card:
    """A Vulkan device. ``driver`` identifies the card and its driver's version."""

    index: int
    name: str
    driver: str
    software: bool


@functools.lru_cache(maxsize=1)
def vulkan_cards() -> tuple[Card, ...]:
    """The Vulkan devices of this computer, software drivers too; none where there is no loader or driver."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _QUESTION], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        answer = next(line for line in done.stdout.splitlines() if line.startswith("CARDS"))
        found = json.loads(answer[len("CARDS") :])
    except (OSError, subprocess.SubprocessError, StopIteration, ValueError):
        return ()
    return tuple(
        Card(
            index=index,
            name=one["device_name"],
            driver=f"{one['vendor_id']}:{one['device_id']}:{one['driver_version']}",
            software=one["type"] == SOFTWARE,
        )
        for index, one in enumerate(found)
    )


def find_card(device: str) -> Card:
    """The card that "vulkan" or "vulkan:N" names.

    Raises:
        BackendError: there is none, or it is the processor in disguise.
    """
    index, cards = int(device.partition(":")[2] or 0), vulkan_cards()
    if index >= len(cards):
        there = ", ".join(f"vulkan:{card.index} ({card.name})" for card in cards if not card.software) or "none"
        raise BackendError(f"The device {device} is not there (Vulkan devices found: {there}): choose cpu.")
    if cards[index].software:
        raise BackendError(
            f"The device {device} is a software driver ({cards[index].name}), slower than the processor itself:"
            " choose cpu."
        )
    return cards[index]


class VulkanRunner:
    """Computes slice by slice on a card.

    Args:
        graphs: CharmsGraphs.
        index: of the card.
        precision: "float32", or "float16" for what is stored.
    """

    def __init__(self, graphs: CharmsGraphs, index: int, precision: str) -> None:
        ncnn = usable_ncnn()
        self._graphs, self._index, net = graphs, index, ncnn.Net()
        net.opt.use_vulkan_compute, net.opt.num_threads = True, 1
        for name in ("fp16_packed", "fp16_storage"):
            setattr(net.opt, f"use_{name}", precision == "float16")
        for name in ("fp16_arithmetic", "bf16_storage", "int8_inference"):
            setattr(net.opt, f"use_{name}", False)
        net.set_vulkan_device(index)
        text, weights = graphs.whole()
        if net.load_param_mem(text) != 0:
            raise BackendError(f"The graphics card vulkan:{index} cannot take the network: choose the device cpu.")
        net.load_model_mem(weights)
        self._net = net

    def submit(self, slices: np.ndarray) -> np.ndarray:
        """Slices (n, c, h, w), as ``interface.Runner`` says."""
        scale, (channels, h, w) = self._graphs.architecture.scale, slices.shape[1:]
        enhanced = resized(slices[:, channels // 2], scale * h, scale * w)
        ncnn = usable_ncnn()
        for one, result in zip(slices, enhanced):
            given = {"slices": ncnn.Mat(np.ascontiguousarray(one, np.float32))}
            if self._graphs.attends:
                given["per_pixel"] = ncnn.Mat(np.array([1 / one[0].size], np.float32))
            try:
                result += np.asarray(computed(self._net, given, "detail", packed=False))[0]
            except BackendError as error:  # the card is gone, or its driver gave up
                raise BackendError(
                    f"The graphics card vulkan:{self._index} stopped computing: choose the device cpu."
                ) from error
        return enhanced

    def collect(self, ticket: np.ndarray) -> np.ndarray:
        """The enhanced slices (n, s*h, s*w), as ``interface.Runner`` says."""
        return ticket


def checked_runner(graphs: CharmsGraphs, device: str, precision: str, folder: Path | None = None) -> VulkanRunner:
    """A runner on a card that computes right.

    Args:
        graphs: of the network.
        device: "vulkan:N".
        precision: as the settings name it.
        folder: where the answers are kept, the user's checkpoint folder by default.

    Raises:
        BackendError: it does not, in this or an earlier check. MemoryError: it has no room.
    """
    card = find_card(device)
    folder = user_checkpoint_folder() if folder is None else folder
    key = f"{card.driver}|ncnn {usable_ncnn().__version__}|{precision}"
    kept = _kept(folder)
    runner = None
    if key not in kept:
        runner = VulkanRunner(graphs, card.index, precision)
        kept[key] = largest_difference(graphs, runner)
        _keep(folder, kept)
    if not kept[key] <= ALLOWED[precision]:
        raise BackendError(
            f"The graphics card {card.name} computes wrong ({kept[key]:.1e} of the range; {ALLOWED[precision]:.0e} are"
            " allowed) and is not used until its driver changes: choose the device cpu."
        )
    return runner or VulkanRunner(graphs, card.index, precision)


def largest_difference(graphs: CharmsGraphs, runner: Runner) -> float:
    """How far a runner's slices are from the processor's, as a share of their range; infinite where not a number.

    Args:
        graphs: of the network, as the processor's runner takes them.
        runner: of the graphics card.
    """
    processor, random, worst = ProcessorRunner(graphs), np.random.default_rng(0), 0.0
    for size in CHECKED_SIZES:
        slices = random.random((1, graphs.architecture.in_channels, *size), dtype=np.float32)
        expected = processor.collect(processor.submit(slices))
        difference = np.abs(runner.collect(runner.submit(slices)) - expected).max() / np.ptp(expected)
        worst = max(worst, float(difference) if np.isfinite(difference) else float("inf"))
    return worst


def _kept(folder):
    try:
        kept = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: one for key, one in kept.items() if isinstance(one, float)} if isinstance(kept, dict) else {}


def _keep(folder, kept):
    """A check that cannot be kept is made again next time."""
    partial = folder / f"{_KEPT}.{os.getpid()}.partial"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(kept, indent=2), encoding="utf-8")
        os.replace(partial, folder / _KEPT)
