"""One slice through CHARMS, both EDSRs and the other methods, in turn."""

import copy
import functools

import torch

from ..costs.macs import count_macs
from ..costs.speed import forward
from ..costs.timing import Spread, paired_ratio, spreads, take_turns
from ..methods.edsr import EDSR
from ..methods.registry import METHODS, build_method
from .engines import engine_forwards
from .floors import count_moved_bytes, floor_seconds
from .limits import COPY, PRODUCT, copy_numbers, product

TRAINED = "CHARMS, as trained"
TRAINED_CHANNELS_LAST = "CHARMS, as trained, channels-last"
INFERENCE = "CHARMS, form for inference"
EDSR_TABLE_2 = "EDSR 16 x 64 (Table 2 of the paper)"
EDSR_ORIGINAL = "EDSR 32 x 256 (the original)"
# Of the comparison, what is not listed by itself.
OTHERS = [name for name in METHODS if name not in ("charms", "edsr")]


def measure_networks(network, plan, dtype, batch=1, task=None):
    """Times per slice; every network but the first, CHARMS as trained, is channels-last.

    A matrix product (and on a GPU a copy) takes its turn among them: the shares of the peak and
    the floors belong to the very moment.

    Args:
        network: CHARMS in evaluation mode, float32, on the CPU.
        plan: BenchmarkPlan: device, size of the slices, turns (the ratios need 15 rounds to be worth printing).
        dtype: torch.dtype of weights and slices.
        batch: slices at a time.
        task: progress and cancelling; None for nobody's.

    Returns:
        list of dicts: "network", "batch", "height", "width", "gmac" (multiply-accumulates per slice,
        as specified), "milliseconds" (per slice), "ratio" (to EDSR_TABLE_2), "share" (of the rate of
        the matrix product), Spreads as dicts; "floor_milliseconds" per slice.
    """
    device, height, width = torch.device(plan.device), plan.lr_size, plan.lr_size
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(batch, 1, height, width, generator=generator).to(device, dtype)
    macs = count_macs(network, height, width)
    work, counts = {}, {}
    for name, one in _charms_work(network, image).items():
        work[name], counts[name] = one, macs
    for name, one in _compared(network.scale, plan.others).items():
        deployed = one.for_inference()
        counts[name] = count_macs(deployed, height, width)
        work[name] = forward(_ready(deployed, image), image)
    work[PRODUCT], flops = product(device, dtype, plan.quick)
    work[COPY], moved = copy_numbers(device, plan.quick)
    times = take_turns(work, device, plan.rounds, plan.seconds_each, task)
    found = spreads(times)
    # On a CPU the caches hold what one operation hands to the next: no floor there.
    copied = 0 if device.type == "cpu" else _moved_per_slice(network, height, width, dtype)
    floor = functools.partial(
        floor_seconds, product_rate=flops / found[PRODUCT].median, moved=copied, copy_rate=moved / found[COPY].median
    )
    return [
        {
            "network": name, "batch": batch, "height": height, "width": width, "gmac": count / 1e9,
            "milliseconds": found[name].scaled(1000 / batch).as_dict(),
            "ratio": paired_ratio(times, name, EDSR_TABLE_2).as_dict(),
            "share": _share(times, name, 2 * count * batch / flops),
            "floor_milliseconds": 1000 * floor(count),
        }
        for name, count in counts.items()
    ]  # fmt: skip


def _charms_work(network, image):
    plain = copy.deepcopy(network).to(image.device, image.dtype)
    return {
        TRAINED: forward(plain, image),
        TRAINED_CHANNELS_LAST: forward(_ready(network, image), image),
        INFERENCE: forward(network.for_inference().to(image.device, image.dtype), image),
        **engine_forwards(network, image),
    }


def _share(times, name, products):
    """Share of the peak of a network whose arithmetic is that of ``products`` matrix products."""
    shared = sorted(set(times[name]) & set(times[PRODUCT]))
    return Spread.of(products * times[PRODUCT][number] / times[name][number] for number in shared).as_dict()


def _moved_per_slice(network, height, width, dtype):
    """Counted in float32 on the CPU; in half precision activations are half as large."""
    moved = count_moved_bytes(network, torch.rand(1, 1, height, width))
    return moved * torch.empty((), dtype=dtype).element_size() // 4


def _compared(scale, others):
    networks = {EDSR_TABLE_2: EDSR(scale).eval(), EDSR_ORIGINAL: EDSR.original(scale).eval()}
    if others:
        networks.update({METHODS[name].title: build_method(name, scale).eval() for name in OTHERS})
    return networks


def _ready(network, image):
    """A channels-last copy where the image is."""
    return copy.deepcopy(network).to(image.device, image.dtype).to(memory_format=torch.channels_last)
