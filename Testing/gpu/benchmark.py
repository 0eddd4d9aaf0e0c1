"""What the GPU does in a second, and how near CHARMS comes to it.

    python Testing/gpu/benchmark.py --out FOLDER

Measured in one run, the variants in turn, medians with the interquartile range: the
half-precision matrix product and the device-to-device copy (the machine's limits), then
for one 128 x 128 LR slice of a batch: CHARMS x2 as trained, in its form for inference,
compiled, as a CUDA graph, and both EDSRs; and the network stage of a whole volume, from
host array to host array. The floor is the larger of (multiply-accumulates) / (measured
product rate) and (bytes that unfused operations move) / (measured copy rate). Writes
benchmark.json and benchmark.md. Timings of one machine at one moment: no test.
"""

import argparse
import json
import logging
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from part import start
from torch.utils._python_dispatch import TorchDispatchMode

from CHARMSSRLib import __version__
from CHARMSSRLib.comparison.edsr import EDSR
from CHARMSSRLib.enhancement.devices import choose_precision
from CHARMSSRLib.enhancement.inference import SliceEnhancer
from CHARMSSRLib.evaluation.macs import count_macs
from CHARMSSRLib.network.charms import CHARMS

logger = logging.getLogger(__name__)


class Bytes(TorchDispatchMode):
    """Counts the bytes that operations read and write, each by itself; views move none."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        outputs = [one for one in _flat(result) if isinstance(one, torch.Tensor)]
        inputs = [one for one in _flat(args) if isinstance(one, torch.Tensor)]
        known = {one.untyped_storage().data_ptr() for one in inputs}
        in_place = function._schema.is_mutable
        if in_place or any(one.untyped_storage().data_ptr() not in known for one in outputs):
            self.total += sum(one.numel() * one.element_size() for one in [*inputs, *outputs])
        return result


def _flat(value):
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def timed(work, device, seconds=1.0, least=7):
    """(median, interquartile range) in seconds of a function, after warming up."""
    for _ in range(3):
        work()
    times, end = [], time.monotonic() + seconds
    while len(times) < least or time.monotonic() < end:
        _synchronise(device)
        begun = time.perf_counter()
        work()
        _synchronise(device)
        times.append(time.perf_counter() - begun)
    quarters = statistics.quantiles(times, n=4)
    return statistics.median(times), quarters[2] - quarters[0]


def _synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def limits(device, dtype, size, copied):
    """Measured rates: matrix product in FLOP/s, copy in bytes/s (read and written)."""
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    product, _ = timed(lambda: a @ b, device)
    source = torch.randn(copied // 4, device=device)
    target = torch.empty_like(source)
    copy, _ = timed(lambda: target.copy_(source), device)
    return {"product_flops": 2 * size**3 / product, "copy_bytes": 2 * source.numel() * 4 / copy}


def variants(device, dtype, image):
    """dict name -> function without arguments that enhances the batch."""
    torch.manual_seed(0)
    charms = CHARMS(2).eval()
    torch.nn.init.normal_(charms.tail.weight, std=0.01)
    networks = {
        "CHARMS as trained": charms,
        "CHARMS for inference": charms.for_inference(),
        "EDSR 16 x 64": EDSR(2).eval(),
        "EDSR, original 32 x 256": EDSR.original(2).eval(),
    }
    ready = {
        name: network.to(device, dtype).to(memory_format=torch.channels_last) for name, network in networks.items()
    }
    work = {name: _forward(network, image) for name, network in ready.items()}
    if device.type == "cuda":
        form = ready["CHARMS for inference"]
        optional = {"CHARMS compiled": lambda: _forward(torch.compile(form), image),
                    "CHARMS as a CUDA graph": lambda: _graph(form, image)}  # fmt: skip
        for name, make in optional.items():
            try:
                work[name] = make()
                work[name]()
            except Exception as error:  # a compiler or a feature that this machine lacks: the rest is measured
                logger.warning("%s: not measured: %s", name, str(error).splitlines()[0])
                work.pop(name, None)
    return work


def _forward(network, image):
    def forward():
        with torch.inference_mode():
            return network(image)

    return forward


def _graph(network, image):
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), torch.cuda.stream(stream):
        for _ in range(3):
            network(image)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        network(image)
    return graph.replay


def stage(device, dtype, slices, size, batch):
    """Seconds of the network stage as ``enhance`` runs it: host array to host array."""
    torch.manual_seed(0)
    enhancer = SliceEnhancer(CHARMS(2).eval(), device, dtype, batch)
    stack = np.random.default_rng(0).random((slices, size, size), dtype=np.float32)
    output = np.zeros((slices, 2 * size, 2 * size), np.float32)
    box = slice(0, size)
    return timed(lambda: enhancer.run(stack, range(slices), output, box, box), device, least=3)


def measure(device, dtype, batches, slices, size, product_size, copied):
    """All figures as one dict."""
    figures = {
        "library": __version__, "torch": torch.__version__, "precision": str(dtype).split(".")[-1], "lr_size": size,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "limits": limits(device, dtype, product_size, copied), "per_slice": [], "stage": [],
    }  # fmt: skip
    network = CHARMS(2).eval()
    figures["gmac_per_slice"] = count_macs(network, size, size) / 1e9
    with torch.no_grad(), Bytes() as moved:
        network(torch.rand(1, 1, size, size))
    # Counted in float32; activations of half precision are half as large.
    figures["bytes_per_slice"] = moved.total * torch.empty((), dtype=dtype).element_size() // 4
    figures["floor_ms"] = 1000 * max(
        2e9 * figures["gmac_per_slice"] / figures["limits"]["product_flops"],
        figures["bytes_per_slice"] / figures["limits"]["copy_bytes"],
    )
    for batch in batches:
        image = torch.rand(batch, 1, size, size, device=device).to(dtype)
        for name, work in variants(device, dtype, image).items():
            median, spread = (1000 * one / batch for one in timed(work, device))
            figures["per_slice"].append({"network": name, "batch": batch, "ms": median, "spread_ms": spread})
            logger.info("batch %d, %s: %.3f ms per slice", batch, name, median)
        median, spread = stage(device, dtype, slices, size, batch)
        figures["stage"].append({"slices": slices, "batch": batch, "seconds": median, "spread_seconds": spread})
        logger.info("batch %d: %d slices in %.3f s", batch, slices, median)
    if device.type == "cuda":
        figures["peak_memory_bytes"] = torch.cuda.max_memory_allocated(device)
    return figures


def as_markdown(figures):
    rates = figures["limits"]
    size = figures["lr_size"]
    lines = [
        f"# CHARMS x2 on {figures['device']}",
        "",
        f"torch {figures['torch']}, {figures['precision']}, LR {size} x {size} (output {2 * size} x {2 * size}),"
        f" {figures['gmac_per_slice']:.2f} GMAC per slice. Measured limits: {rates['product_flops'] / 1e12:.2f} TFLOP/s"
        f" and {rates['copy_bytes'] / 1e9:.0f} GB/s. Floor per slice: {figures['floor_ms']:.3f} ms.",
        "",
        "| network | batch | ms per slice | interquartile range | times the floor of CHARMS |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['network']} | {row['batch']} | {row['ms']:.3f} | {row['spread_ms']:.3f} |"
        f" {row['ms'] / figures['floor_ms']:.1f} |"
        for row in figures["per_slice"]
    ]
    lines += ["", "| network stage | batch | seconds | interquartile range |", "|---|---|---|---|"]
    lines += [
        f"| {row['slices']} slices | {row['batch']} | {row['seconds']:.3f} | {row['spread_seconds']:.3f} |"
        for row in figures["stage"]
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for benchmark.json and benchmark.md")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N (default: %(default)s)")
    parser.add_argument("--precision", default="auto", help="auto, float32, float16, bfloat16 (default: %(default)s)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 44], help="default: 1 16 44")
    parser.add_argument("--slices", type=int, default=176, help="of the network stage (default: %(default)s)")
    parser.add_argument("--size", type=int, default=128, help="LR rows and columns (default: %(default)s)")
    arguments = parser.parse_args()
    device = start(arguments.device)
    gpu = device.type == "cuda"
    figures = measure(
        device, choose_precision(arguments.precision, device), arguments.batches, arguments.slices, arguments.size,
        product_size=8192 if gpu else 512, copied=2**30 if gpu else 2**24,
    )  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = as_markdown(figures)
    (arguments.out / "benchmark.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    (arguments.out / "benchmark.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    sys.exit(main())
