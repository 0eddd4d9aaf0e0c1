"""What the networks of a study cost: parameters, multiply-accumulates, time."""

import torch

from ..markdown_table import head, line
from ..methods.edsr import EDSR
from ..methods.registry import METHODS
from .macs import count_macs
from .speed import milliseconds_per_slice

OUTPUT_SIZE = 256  # networks are timed and counted for output slices of this width and height
EDSR_TITLE = METHODS["edsr"].title
ORIGINAL_EDSR = "EDSR, original (32 x 256)"
COST_COLUMNS = (
    "method", "parameters", "gmac", "parameters_for_inference", "gmac_for_inference", "milliseconds",
    "milliseconds_gpu", "remark",
)  # fmt: skip


def costs(contestants, scale, device="cpu", timed=True):
    """Parameters, multiply-accumulates and time of each contestant, for one 256 x 256 output slice.

    Timed in the form for inference, on the CPU and, where ``device`` is another, there too.
    Beside the small EDSR stands the original one, untrained, for the ratio of speed that the
    CHARMS paper states.

    Returns:
        list of dicts with COST_COLUMNS; milliseconds are None where they were not taken.
    """
    networks = {one.title: one.network for one in contestants}
    remarks = {one.title: one.remark for one in contestants}
    if EDSR_TITLE in networks:
        networks[ORIGINAL_EDSR] = EDSR.original(scale).eval()
        remarks[ORIGINAL_EDSR] = "untrained; for the ratio of speed"
    deployed = {title: network.for_inference() for title, network in networks.items()}
    size = OUTPUT_SIZE // scale
    accelerated = timed and torch.device(device).type != "cpu"
    on_device = milliseconds_per_slice(deployed, size, size, device) if accelerated else {}
    times = milliseconds_per_slice(deployed, size, size, "cpu") if timed else {}
    return [
        {
            "method": title,
            "parameters": _count(network),
            "gmac": count_macs(network, size, size) / 1e9,
            "parameters_for_inference": _count(deployed[title]),
            "gmac_for_inference": count_macs(deployed[title], size, size) / 1e9,
            "milliseconds": times.get(title),
            "milliseconds_gpu": on_device.get(title),
            "remark": remarks[title],
        }
        for title, network in networks.items()
    ]


def cost_table(rows):
    """The costs as lines of Markdown, with the times' ratios to both EDSRs where they were timed."""
    timings = [(key, unit) for key, unit in (("milliseconds", "ms per slice"), ("milliseconds_gpu", "ms, GPU"))
               if key == "milliseconds" or any(row.get(key) for row in rows)]  # fmt: skip
    times = {key: {row["method"]: row.get(key) for row in rows} for key, _ in timings}
    headings = ["method", "parameters (folded)", "GMAC (folded)"]
    for key, unit in timings:
        headings += [unit, *(f"time / {name}" for name in _references(times[key]))]
    lines = [f"## Costs of one {OUTPUT_SIZE} x {OUTPUT_SIZE} output slice", "", *head([*headings, "remark"])]
    for row in rows:
        cells = [row["method"], f"{row['parameters']:,} ({row['parameters_for_inference']:,})"]
        cells.append(f"{row['gmac']:.2f} ({row['gmac_for_inference']:.2f})")
        for key, _ in timings:
            time = row.get(key)
            cells.append("" if time is None else f"{time:.1f}")
            cells += ["" if time is None else f"{time / times[key][name]:.3g}" for name in _references(times[key])]
        lines.append(line([*cells, row["remark"]]))
    return lines


def _references(times):
    return [name for name in (EDSR_TITLE, ORIGINAL_EDSR) if times.get(name)]


def _count(network):
    return sum(parameter.numel() for parameter in network.parameters())
