"""Where the time of a slice goes in the form for inference, operator by operator, on a CPU."""

import time

import torch
from torch.profiler import ProfilerActivity, profile

from ...errors import Cancelled
from ...files.native_messages import native_messages_hidden
from .limits import product
from .timing import Spread

KINDS = ("dense convolutions", "depthwise convolutions", "matrix products", "everything else")
DENSE, DEPTHWISE, PRODUCTS, REST = KINDS
_CONVOLUTION = "aten::conv2d"
_PRODUCTS = ("aten::linear", "aten::matmul", "aten::bmm", "aten::baddbmm", "aten::mm", "aten::addmm", "aten::einsum")


def profile_operators(network, height, width, rounds=5, quick=False, progress=None, is_cancelled=None):
    """Time and arithmetic of the kinds of operators for one LR slice of a network on the CPU.

    Operators inside others count with the outermost: a convolution with the reordering of its
    weights, a product with its transposition. A matrix product is timed in turn with the slice.

    Returns:
        list of dicts, one per kind: "kind", "milliseconds", "gmac", "of_time" (share of the slice's
        time) and "share" (of the rate of the matrix product; None without arithmetic).
    """
    image = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0))
    peak, peak_flops = product(torch.device("cpu"), torch.float32, quick)
    rates, seconds = [], {kind: [] for kind in KINDS}
    with torch.inference_mode():
        network(image)
        peak()
        for number in range(rounds):
            if is_cancelled is not None and is_cancelled():
                raise Cancelled()
            if progress is not None:
                progress(number / rounds, "operators of the form for inference")
            rates.append(peak_flops / _seconds(peak))
            flops = dict.fromkeys(KINDS, 0)
            total = dict.fromkeys(KINDS, 0.0)
            for event in _outermost(_profiled(network, image)):
                kind = _kind(event)
                total[kind] += event.cpu_time_total / 1e6
                flops[kind] += _flops(event)
            for kind in KINDS:
                seconds[kind].append(total[kind])
    whole = sum(Spread.of(one).median for one in seconds.values())
    return [_row(kind, seconds[kind], flops[kind], rates, whole) for kind in KINDS]


def _row(kind, seconds, flops, rates, whole):
    spread = Spread.of(seconds)
    shares = [flops / own / rate for own, rate in zip(seconds, rates) if own > 0]
    return {
        "kind": kind, "milliseconds": spread.scaled(1000).as_dict(), "gmac": flops / 2e9,
        "of_time": spread.median / whole, "share": Spread.of(shares).as_dict() if kind != REST and flops else None,
    }  # fmt: skip


def _seconds(function):
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def _profiled(network, image):
    with native_messages_hidden():
        with profile(activities=[ProfilerActivity.CPU], record_shapes=True, with_flops=True) as profiled:
            network(image)
        return profiled.events()


def _outermost(events):
    return [event for event in events if event.cpu_parent is None and event.name.startswith("aten::")]


def _kind(event):
    if event.name == _CONVOLUTION:
        weight = event.input_shapes[1]
        return DEPTHWISE if weight[1] == 1 and weight[0] > 1 and event.input_shapes[0][1] == weight[0] else DENSE
    return PRODUCTS if event.name in _PRODUCTS else REST


def _flops(event):
    """Of the event and all that it calls; the profiler counts FLOPs at one level of the nesting."""
    return (event.flops or 0) or sum(_flops(child) for child in event.cpu_children)
