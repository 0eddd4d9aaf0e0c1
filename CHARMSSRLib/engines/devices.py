"""What this computer can compute on, for people and for the settings."""

from __future__ import annotations

import importlib.metadata
import platform

from ..machine.cores import usable_cores
from .choice import has_ncnn, has_torch, torch_may_have_a_card


def list_devices() -> list[dict]:
    """Devices that the engines can use, best first; torch is imported only where it may have a card.

    Returns:
        List of {"name": what a setting calls it, "description": text for people, "engines": names}.
    """
    cores = usable_cores()
    processor = platform.processor() or platform.machine()
    engines = [name for name, there in (("ncnn", has_ncnn()), ("torch", has_torch())) if there]
    description = f"{processor}, {cores} core{'s' if cores > 1 else ''}"
    return [*_cards_of_torch(), *_cards_of_ncnn(), {"name": "cpu", "description": description, "engines": engines}]


def versions() -> dict[str, str | None]:
    """Installed versions of the engines' packages, None where there is none; nothing is imported."""
    found: dict[str, str | None] = {}
    for name in ("ncnn", "torch"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _cards_of_ncnn():
    if not has_ncnn():
        return []
    from .ncnn_vulkan import vulkan_cards

    return [
        {"name": f"vulkan:{card.index}", "description": f"{card.name} (Vulkan)", "engines": ["ncnn"]}
        for card in vulkan_cards()
        if not card.software
    ]


def _cards_of_torch():
    if not torch_may_have_a_card():
        return []
    import torch

    devices = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            memory = properties.total_memory / 2**30
            description = f"{properties.name}, {memory:.0f} GiB"
            devices.append({"name": f"cuda:{index}", "description": description, "engines": ["torch"]})
    if getattr(torch.backends, "mps", None) is not None and torch.backends.mps.is_available():
        devices.append({"name": "mps", "description": "Apple GPU", "engines": ["torch"]})
    return devices
