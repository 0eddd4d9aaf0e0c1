"""What the machine itself can do: products, the network's convolution, copies."""

import platform

import torch
import torch.nn.functional as F

from ..costs.timing import spreads, take_turns

CHANNELS = 64  # of the convolution, as CHARMS has them
# Sizes that fill the machine's units: rows and columns of the matrices, pixels of the
# convolution's image along a side, its batch, and numbers that are copied.
SIZES = {"cpu": (2048, 128, 1, 2**25), "cuda": (8192, 128, 32, 2**28), "mps": (4096, 128, 16, 2**26)}
QUICK_SIZES = {"cpu": (1024, 64, 1, 2**22), "cuda": (2048, 128, 4, 2**24), "mps": (1024, 128, 2, 2**22)}

PRODUCT, CONVOLUTION, COPY = "matrix product", "3x3 convolution 64 to 64", "copy"


def measure_limits(device, quick=False, rounds=15, task=None):
    """Rates of the device, the measurements in turn.

    Returns:
        list of dicts: "what" (PRODUCT, CONVOLUTION or COPY), "precision", "rate" (a Spread as dict:
        FLOP/s, two per multiply-accumulate; or bytes/s, read and written), "unit", "size" (text).
    """
    device = torch.device(device)
    size, pixels, batch, copied = _sizes(device, quick)
    work, rows = {}, {}
    for dtype in precisions(device):
        precision = name_of(dtype)
        work[PRODUCT, precision], flops = product(device, dtype, quick)
        rows[PRODUCT, precision] = (flops, "FLOP/s", f"{size} x {size}")
        work[CONVOLUTION, precision] = _convolution(batch, pixels, device, dtype)
        flops = 2 * batch * CHANNELS * CHANNELS * 9 * pixels**2
        rows[CONVOLUTION, precision] = (flops, "FLOP/s", f"{batch} x {pixels} x {pixels} pixels, channels-last")
    work[COPY, "float32"], moved = copy_numbers(device, quick)
    rows[COPY, "float32"] = (moved, "bytes/s", f"{4 * copied / 2**20:.0f} MiB")
    with torch.inference_mode():
        titled = {_title(key): one for key, one in work.items()}
        times = spreads(take_turns(titled, device, rounds, task=task))
    return [
        {
            "what": key[0],
            "precision": key[1],
            "rate": times[_title(key)].as_rate(amount).as_dict(),
            "unit": unit,
            "size": size,
        }
        for key, (amount, unit, size) in rows.items()
    ]


def product(device, dtype, quick=False):
    """(function that multiplies two matrices, its FLOPs)."""
    size = _sizes(device, quick)[0]
    a, b = (torch.rand(size, size, device=device).sub_(0.5).to(dtype) for _ in range(2))
    result = torch.empty_like(a)
    return (lambda: torch.mm(a, b, out=result)), 2 * size**3


def copy_numbers(device, quick=False):
    """(function that copies numbers within the device's memory, bytes that it reads and writes)."""
    source = torch.rand(_sizes(device, quick)[3], device=device)
    target = torch.empty_like(source)
    return (lambda: target.copy_(source)), 2 * source.numel() * source.element_size()


def name_of(dtype):
    """The type's name without its package: "float32"."""
    return str(dtype).replace("torch.", "")


def precisions(device):
    """Number formats that the device multiplies natively."""
    if device.type == "cpu":
        return [torch.float32, torch.bfloat16] if has_native_bfloat16() else [torch.float32]
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return [torch.float32, torch.float16, torch.bfloat16]
    return [torch.float32, torch.float16]


def has_native_bfloat16():
    """Whether the CPU has products of bfloat16 numbers (without them they are slower than float32)."""
    asked = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(one() for one in asked if one is not None)


def describe_machine(device):
    """dict for the report: processor or card, threads, torch."""
    device = torch.device(device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "device": str(device),
        "name": card or _processor(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next(line.split(":", 1)[1].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _sizes(device, quick):
    return (QUICK_SIZES if quick else SIZES)[device.type]


def _convolution(batch, pixels, device, dtype):
    image = torch.rand(batch, CHANNELS, pixels, pixels, device=device).to(dtype, memory_format=torch.channels_last)
    weight = torch.rand(CHANNELS, CHANNELS, 3, 3, device=device).sub_(0.5).to(dtype, memory_format=torch.channels_last)
    return lambda: F.conv2d(image, weight, padding=1)


def _title(key):
    """What is told of one: the precision, then what is measured."""
    return " ".join(reversed(key))
