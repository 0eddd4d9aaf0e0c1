"""Where the time of a slice goes in the form for inference, operator by operator, on a CPU."""

import math
import time

import torch
from torch.profiler import ProfilerActivity, profile

from CHARMSSRLib.files.native_messages import native_messages_hidden
from CHARMSSRLib.task import Task

from ..costs.timing import Spread
from .limits import product

OPERATOR_KINDS = (
    "3x3 convolutions",
    "1x1 convolutions and matrix products",
    "depthwise convolutions",
    "everything else",
)
DENSE, PRODUCTS, DEPTHWISE, REST = OPERATOR_KINDS
_CONVOLUTIONS = ("aten::conv2d", "mkldnn::_convolution_pointwise", "mkldnn::_convolution_pointwise_")
_PRODUCTS = ("aten::linear", "aten::matmul", "aten::bmm", "aten::baddbmm", "aten::mm", "aten::addmm", "aten::einsum",
             "mkldnn::_linear_pointwise")  # fmt: skip


def profile_operators(network, height, width, rounds=5, quick=False, task=None):
    """Time and arithmetic of the kinds of operators for one LR slice of a network on the CPU.

    Operators inside others count with the outermost: a convolution with the reordering of its
    weights, a product with its transposition; what is fused into one counts with it. A matrix product
    is timed in turn with the slice.

    Returns:
        list of dicts, one per kind: "kind", "milliseconds", "gmac", "of_time" (share of the slice's
        time) and "share" (of the rate of the matrix product; None without arithmetic).
    """
    task = task or Task()
    image = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0))
    peak, peak_flops = product(torch.device("cpu"), torch.float32, quick)
    rates, seconds = [], {kind: [] for kind in OPERATOR_KINDS}
    with torch.inference_mode():
        network(image)
        peak()
        for number in range(rounds):
            task.step(number / rounds, "operators of the form for inference")
            rates.append(peak_flops / _seconds(peak))
            flops = dict.fromkeys(OPERATOR_KINDS, 0)
            total = dict.fromkeys(OPERATOR_KINDS, 0.0)
            for event in _outermost(_profiled(network, image)):
                kind = _kind(event)
                total[kind] += event.cpu_time_total / 1e6
                flops[kind] += _flops(event)
            for kind in OPERATOR_KINDS:
                seconds[kind].append(total[kind])
    whole = sum(Spread.of(one).median for one in seconds.values())
    return [_row(kind, seconds[kind], flops[kind], rates, whole) for kind in OPERATOR_KINDS]


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
    return [event for event in events if event.cpu_parent is None and "::" in event.name]


def _kind(event):
    if event.name in _CONVOLUTIONS:
        image, weight = event.input_shapes[0], _weight(event)
        if weight[1] == 1 and image[1] == weight[0] > 1:
            return DEPTHWISE
        return PRODUCTS if weight[2] == weight[3] == 1 else DENSE
    return PRODUCTS if event.name in _PRODUCTS else REST


def _weight(event):
    """Shape of a convolution's weights: its second tensor, or its third where it also adds an image."""
    second, third = event.input_shapes[1:3]
    return third if len(third) == 4 else second


def _flops(event):
    """Two per multiply-accumulate; the convolutions here all keep the size of the image."""
    if event.name in _CONVOLUTIONS:
        n, _, height, width = event.input_shapes[0]
        return 2 * n * height * width * math.prod(_weight(event))
    # Of an operator or, where the profiler counts at another level of the nesting, of those that it calls.
    return (event.flops or 0) or sum(_flops(child) for child in event.cpu_children)
