"""What a worker says first: what it is and what this computer can do; or which package it lacks."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module

from .. import __version__


def hello() -> dict:
    """What the caller should know; imports everything that a job needs."""
    from ..engines.choice import choose_engine, has_ncnn, has_torch, nvidia_cards
    from ..engines.devices import list_devices, versions
    from ..enhancement import enhance  # noqa: F401  (fails here rather than in the first job)
    from ..machine.cores import set_threads
    from ..machine.priority import raise_priority
    from ..preprocessing.skull_strip import available_backends

    set_threads()
    if not (has_ncnn() or has_torch()):
        raise ModuleNotFoundError("neither ncnn nor torch", name="ncnn")
    chosen = choose_engine()
    import_module(chosen.engine)
    return {
        "pid": os.getpid(),
        "library": __version__,
        "engine": chosen.engine,
        "engines": versions(),
        "python": platform.python_version(),
        "device": chosen.device,
        "devices": list_devices(),
        "nvidia_cards": nvidia_cards(),
        "skull_strip_backends": available_backends(),
        "nice": raise_priority(),
    }


def missing_package(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"The Python package {error.name!r} is missing in {sys.executable}; install it "
            "(in Slicer: the panel does; the PyTorch extension brings torch)."
        )
    return f"A Python package in {sys.executable} cannot be loaded ({error}); install it again."
