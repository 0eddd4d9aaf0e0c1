"""A worker process whose network part is a stand-in that is told by the checkpoint's name what to do."""

import sys
import time
import types
from types import SimpleNamespace

import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled, InputError


def enhance(image, settings=None, mask=None, progress=None, is_cancelled=None):
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
    report = {"seconds": float("nan"), "threads": sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()}
    return SimpleNamespace(image=image + 1, mask=mask, maps={"detail": image * 2}, report=report)


if __name__ == "__main__":
    module = types.ModuleType("CHARMSSRLib.enhancement.enhance")
    module.enhance = enhance
    sys.modules[module.__name__] = module
    from CHARMSSRLib.worker import server

    if "light" in sys.argv:  # saves the seconds that torch takes to load
        server._hello = dict
    sys.exit(server.serve(idle_seconds=float(sys.argv[1])))
