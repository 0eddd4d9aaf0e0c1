"""Which device and precision the network runs on."""

from __future__ import annotations

import platform

import torch

from ..errors import BackendError, SettingsError

PRECISION_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def choose_device(name: str) -> torch.device:
    """The torch device for a setting: "auto" is the first GPU that there is, else the CPU.

    Raises:
        BackendError: the named device is not in this machine (or this torch cannot use it).
        SettingsError: there is no such kind of device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if _has_mps() else "cpu")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not (kind == "cuda" and number.isdigit())):
        raise SettingsError(f"Unknown device {name!r}; choose auto, cpu, cuda, cuda:N or mps.")
    if kind == "cuda":
        index = int(number or 0)
        if not torch.cuda.is_available() or index >= torch.cuda.device_count():
            raise BackendError(
                f"The device {name} is not available to PyTorch here ({torch.__version__}); choose cpu, or install a"
                " PyTorch build for this graphics card."
            )
        return torch.device("cuda", index)
    if kind == "mps" and not _has_mps():
        raise BackendError("The device mps is not available here; choose cpu.")
    return torch.device(kind)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype for a setting: "auto" is float16 on a CUDA card, float32 elsewhere."""
    if name != "auto":
        return PRECISION_DTYPES[name]
    return torch.float16 if device.type == "cuda" else torch.float32


def choose_batch(batch: int, device: torch.device) -> int:
    """Slices per batch: one at a time on a CPU (best use of its caches), many on a GPU."""
    return batch or (1 if device.type == "cpu" else 16)


def _has_mps():
    return torch.backends.mps.is_available()


def hardware(device: torch.device) -> str:
    """What a run ran on, for its card."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}), {torch.get_num_threads()} threads"
