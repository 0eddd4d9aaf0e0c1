"""A worker process whose network part is a stand-in that is told by the checkpoint's name what to do."""

import sys
import time
import types
from pathlib import Path
from types import SimpleNamespace

import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled, InputError, PairError
from CHARMSSRLib.files.uni_names import is_marked_as_uni


def enhance(image, settings=None, mask=None, progress=None, is_cancelled=None, tags=None):
    print("a library prints this")
    print("and this too", file=sys.__stdout__, flush=True)
    behaviour = settings.checkpoint
    progress(0.5, "Enhancing slice 1 of 2")
    if behaviour == "refuse":
        raise InputError("This is wrong;\ndo that.")
    if behaviour == "bug":
        raise ZeroDivisionError("a bug")
    if behaviour == "memory":
        raise MemoryError
    if behaviour == "chatter":
        for step in range(5000):
            progress(step / 5000, "Busy")
    if behaviour in ("wait", "deaf"):
        while not is_cancelled() or behaviour == "deaf":
            time.sleep(0.01)
        raise Cancelled()
    mask = mask if mask is not None else sitk.Cast(image > 0, sitk.sitkUInt8)
    known = {"tags": tags, "uni": is_marked_as_uni(image)}
    report = {"seconds": float("nan"), **known, "threads": sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()}
    return SimpleNamespace(image=image + 1, mask=mask, maps={"detail": image * 2}, report=report)


def fine_tune(pairs, settings=None, progress=None, is_cancelled=None, observe=None):
    for index, pair in enumerate(pairs):
        three, seven, mask = pair.load()
        quality = {"sum": float(sitk.GetArrayFromImage(three).sum()), "mask": mask is not None, "size": seven.GetSize()}
        event = {"event": "pair", "subject": pair.subject, "contrast": pair.contrast, "index": index}
        observe({**event, "status": "ok", "reason": "", "quality": quality})
    progress(0.5, "Step 1 of 2")
    for step in range(50):  # all at once: none may be lost
        observe({"event": "validation", "step": step, "validation_loss": 1.0 / (1 + step)})
    if settings.name == "refuse":
        raise PairError("The pairs are of different heads.")
    if settings.name in ("gained", "fruitless"):
        while not is_cancelled():
            time.sleep(0.01)
        if settings.name == "fruitless":
            raise Cancelled()
    path = None if settings.name == "nothing" else Path("folder") / f"{settings.name}.safetensors"
    return SimpleNamespace(checkpoint_path=path, report={"cancelled": is_cancelled(), "loss": float("nan")})


def register_pair(pair, settings=None, task=None):
    task.tell(0.2, "Registering")
    return SimpleNamespace(quality={"subject": pair.subject, "strip": settings.skull_strip}, warnings=["a doubt"])


if __name__ == "__main__":
    for name, function in (("fine_tune", fine_tune), ("pairs.registration", register_pair)):
        stand_in = types.ModuleType(f"CHARMSSRLib.fine_tuning.{name}")
        setattr(stand_in, function.__name__, function)
        sys.modules[stand_in.__name__] = stand_in
    module = types.ModuleType("CHARMSSRLib.enhancement.enhance")
    module.enhance = enhance
    sys.modules[module.__name__] = module
    from CHARMSSRLib.worker import server

    if "light" in sys.argv:  # saves the seconds that torch takes to load
        server.hello = dict
    sys.exit(server.serve(idle_seconds=float(sys.argv[1])))
