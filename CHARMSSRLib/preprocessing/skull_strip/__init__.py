"""Skull-stripping backends behind one interface.

A backend is a module with ``is_available() -> bool``, a sentence ``HOW_TO_GET_IT`` and ``strip(image, head, device,
task) -> mask``: the image is scalar, 3-D, of any orientation, the head its head mask (UInt8 on its
grid), the device a torch device's name, the task may be None; the mask is UInt8 on the image's grid. It is registered
by name below. Modules are imported on first use, so that listing the backends stays cheap.
"""

from __future__ import annotations

from collections import namedtuple
from importlib import import_module
from typing import TYPE_CHECKING

from ...errors import BackendError, SettingsError
from ...task import Task
from ..head_mask import head_mask
from ..plausibility import mask_warnings, volume_ml
from .already_stripped import ALREADY_STRIPPED, foreground_if_stripped, small_brain_warnings

if TYPE_CHECKING:
    import SimpleITK as sitk

SkullStrip = namedtuple("SkullStrip", "mask backend volume_ml warnings")
SkullStrip.__doc__ = """Result of a skull-strip.

mask: UInt8 image, 1 = brain, on the input's grid. backend: name of the one that made it, or
"already-stripped" when the input held nothing but a brain. volume_ml: float. warnings: list of text.
"""

# Best first: trained on many contrasts and sites, then on fewer.
_BACKENDS = {
    "synthstrip": ".synthstrip",
    "hd-bet": ".hdbet_backend",
    "deepbet": ".deepbet_backend",
    "builtin": ".builtin",
}


def backend_names() -> list[str]:
    """Names of all backends that exist, best first."""
    return list(_BACKENDS)


def available_backends() -> list[str]:
    """Names of the backends that can be used in this Python, best first; "builtin" is always one."""
    return [name for name in _BACKENDS if _module(name).is_available()]


def check_backend(name: str) -> None:
    """Refuses a backend that does not exist or cannot be used here, before any work is done.

    Args:
        name: "auto", "none" or one of :func:`backend_names`.

    Raises:
        SettingsError: there is no backend of this name.
        BackendError: it is not installed; the message says how to get it.
    """
    if name in ("auto", "none"):
        return
    if name not in _BACKENDS:
        raise SettingsError(f"Unknown skull-strip backend {name!r}; choose auto, none, {', '.join(_BACKENDS)}.")
    if not _module(name).is_available():
        raise BackendError(_module(name).HOW_TO_GET_IT)


def strip_skull(
    image: sitk.Image,
    backend: str = "auto",
    device: str = "cpu",
    task: Task | None = None,
    head: sitk.Image | None = None,
) -> SkullStrip:
    """Finds the brain in a scan.

    ``"auto"`` first recognises volumes that are stripped already and keeps their foreground. Else
    it takes the best backend present, and goes on to the next when that one fails or its mask is
    implausible; if none is plausible, the first mask is returned with its warnings. A backend that
    is named runs in any case, and alone.

    Args:
        image: SimpleITK.Image; scalar 3-D, any orientation and spacing; not changed.
        backend: "auto" or one of :func:`backend_names`.
        device: "cpu", "cuda", "cuda:N" or "mps".
        task: asked between the steps whether to stop.
        head: SimpleITK.Image, optional; head mask, if there is one already.

    Returns:
        SkullStrip

    Raises:
        SettingsError: there is no backend of this name.
        BackendError: the named backend is not installed, or failed; or all failed.
        Cancelled: the task was cancelled.
    """
    check_backend(backend)
    head = head if head is not None else head_mask(image)
    if backend != "auto":
        return _run(backend, image, head, device, task)

    foreground = foreground_if_stripped(image)
    if foreground is not None:
        warnings = mask_warnings(foreground) + small_brain_warnings(volume_ml(foreground))
        return SkullStrip(foreground, ALREADY_STRIPPED, volume_ml(foreground), warnings)
    first, remarks = None, []
    for name in available_backends():
        try:
            result = _run(name, image, head, device, task)
        except BackendError as error:
            remarks.append(f"The skull-strip backend {name} failed: {error}")
            continue
        if not result.warnings:
            return result._replace(warnings=remarks)
        remarks.append(f"The mask of the skull-strip backend {name} is implausible: {' '.join(result.warnings)}")
        first = first or result
    if first is None:
        raise BackendError(" ".join(remarks))
    return first._replace(warnings=remarks)


def _run(name, image, head, device, task):
    (task or Task()).check()
    mask = _module(name).strip(image, head, device, task)
    return SkullStrip(mask, name, volume_ml(mask), mask_warnings(mask, head))


def _module(name):
    return import_module(_BACKENDS[name], __name__)
