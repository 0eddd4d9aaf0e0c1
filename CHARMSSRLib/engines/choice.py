"""Which engine computes, on what device, in what precision."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import BackendError, SettingsError

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?|vulkan(:\d+)?")
INSTALL = "install the Python package ncnn (7 MB), or torch"


@dataclass(frozen=True)
class Choice:
    """Engine "torch" or "ncnn"; device "cpu", "cuda:N", "mps" or "vulkan:N"; precision as the settings name it."""

    engine: str
    device: str
    precision: str


def choose_engine(engine: str = "auto", device: str = "auto", precision: str = "auto") -> Choice:
    """What the three settings mean on this computer; torch is imported only where it may be the one to compute.

    "auto" is torch where it has an NVIDIA card (or Apple's), else ncnn where it is installed, else torch.

    Args:
        engine: "auto", "ncnn" or "torch".
        device: "auto", "cpu", "cuda", "cuda:N", "mps" or "vulkan:N".
        precision: one of ``settings.PRECISIONS``.

    Raises:
        SettingsError: they contradict each other.
        BackendError: what they name is not here.
    """
    if not _DEVICE.fullmatch(device):
        raise SettingsError(f"Unknown device {device!r}; choose auto, cpu, cuda, cuda:N, mps or vulkan:N.")
    kind = device.partition(":")[0]
    if engine == "ncnn" and kind in ("cuda", "mps"):
        raise SettingsError(
            f"The engine ncnn does not compute on {device}: choose cpu or vulkan:N, or the engine torch."
        )
    if engine == "torch" and kind == "vulkan":
        raise SettingsError(f"The engine torch does not compute on {device}: choose the engine ncnn.")
    if engine == "auto":
        engine = _best_engine(kind, precision)
    if engine == "ncnn":
        return _with_ncnn(device, precision)
    return _with_torch(device, precision)


def has_ncnn() -> bool:
    """Whether the package is there; it is not imported."""
    return importlib.util.find_spec("ncnn") is not None


def has_torch() -> bool:
    """Whether the package is there; it is not imported."""
    return importlib.util.find_spec("torch") is not None


def torch_may_have_a_card() -> bool:
    """Whether importing torch to ask for its cards is worth it: its build and this computer both know one."""
    if not has_torch():
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return _torch_is_built_for_cuda() and nvidia_cards() > 0


@functools.lru_cache(maxsize=1)
def nvidia_cards() -> int:
    """NVIDIA cards that the driver shows, asked of the driver itself."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return count.value if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 else 0
    except (OSError, AttributeError):
        return 0


def _torch_is_built_for_cuda():
    """Read in torch's version.py, which is a thousand times faster than importing torch."""
    found = importlib.util.find_spec("torch")
    try:
        text = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except (AttributeError, TypeError, OSError):
        return True  # unknown: torch itself is asked
    return re.search(r"^cuda\b[^=\n]*=\s*None", text, re.MULTILINE) is None


def _best_engine(kind, precision):
    if kind in ("cuda", "mps"):
        return "torch"
    if kind == "vulkan":
        return "ncnn"
    if kind == "auto" and torch_may_have_a_card() and _torch_has_a_card():
        return "torch"
    half = precision not in ("auto", "float32")  # which ncnn does not have on processors
    if has_ncnn() and not (half and has_torch()):
        return "ncnn"
    if has_torch():
        return "torch"
    raise BackendError(f"Nothing here can compute the network: {INSTALL}.")


def _torch_has_a_card():
    from ..machine.devices import choose_device

    return choose_device("auto").type != "cpu"


def _with_ncnn(device, precision):
    from .ncnn_engine import usable_ncnn

    usable_ncnn()
    if device.startswith("vulkan"):
        from .ncnn_vulkan import find_card

        if precision == "bfloat16":
            raise SettingsError("Vulkan devices compute in float32 or float16, not in bfloat16.")
        chosen = "float32" if precision == "auto" else precision
        return Choice("ncnn", f"vulkan:{find_card(device).index}", chosen)
    if precision not in ("auto", "float32"):
        raise SettingsError(f"The engine ncnn computes in float32 on processors, not in {precision}.")
    return Choice("ncnn", "cpu", "float32")


def _with_torch(device, precision):
    if not has_torch():
        raise BackendError(f"PyTorch is not installed, which {_asked(device)} needs: install torch, or choose cpu.")
    from ..machine.devices import choose_device, choose_precision

    chosen = choose_device(device)
    return Choice("torch", str(chosen), str(choose_precision(precision, chosen)).replace("torch.", ""))


def _asked(device):
    return "the engine torch" if device in ("auto", "cpu") else f"the device {device}"
