"""A worker without a network: speaks the protocol, doubles voxels, and misbehaves on request.

Run as ``python fake_worker.py MODE``. It enlarges by repeating voxels, so tests can check every value and position.
Most tests start it and give it nothing to do: numpy is loaded by what needs it.
"""

import json
import os
import sys
import threading
import time
from traceback import format_exc

HELLO = {
    "type": "hello",
    "id": "",
    "pid": os.getpid(),
    "library": "0.1.0",
    "engine": "torch",
    "engines": {"ncnn": "1.0", "torch": "2.9"},
    "python": "3.12",
    "device": "cuda:0",
    "devices": [{"name": "cpu", "description": "CPU, 8 threads"}, {"name": "cuda:0", "description": "Tesla T4, 15 GB"}],
    "skull_strip_backends": ["deepbet", "builtin"],
}


def main(mode):
    """Serve until stdin ends."""
    if mode == "without ncnn":
        send(type="error", id="", kind="MissingPackage", message="The Python package 'ncnn' is missing.")
        return 3
    if mode == "dies importing ncnn":
        sys.stderr.write("Traceback (most recent call last):\nModuleNotFoundError: No module named 'ncnn'\n")
        return 1
    if mode == "dies at start":
        sys.stderr.write("the loader says: libcudart.so.12 not found\n")
        return 1
    if mode == "silent":
        sys.stdin.read()
        return 0
    if mode == "chatty":  # a library that prints before the protocol is up
        print("Using a cache folder\n\n{not json", flush=True)
    in_pieces = mode == "in pieces"
    lacking = {"engine": "ncnn", "engines": {"ncnn": "1.0", "torch": None}} if mode == "without torch" else {}
    send(in_pieces, **{**HELLO, **lacking})
    cancelled = threading.Event()
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "shutdown":
            return 0
        if message["type"] == "cancel":
            cancelled.set()
        elif message["type"] == "run":
            cancelled.clear()
            threading.Thread(target=answered, args=(mode, message, cancelled), daemon=True).start()
    return 0


def answered(mode, message, cancelled):
    """One job; a mistake of this file is told at once instead of being waited for."""
    try:
        run(mode, message, cancelled)
    except Exception:
        send(type="error", id=message["id"], kind="InternalError", message="fake_worker.py", details=format_exc())


def run(mode, message, cancelled):
    """One job, in the way that the mode says."""
    identifier = message["id"]
    if message["task"] == "inspect":
        inspect(mode, message)
        return
    if mode == "dies at work":
        sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
        sys.stderr.flush()
        os._exit(7)
    if mode == "is killed":
        os.kill(os.getpid(), 9)
    if mode == "refuses":
        send(type="error", id=identifier, kind="InputError", message="The image shows a phone: give a head.")
        return
    if mode == "breaks":
        send(type="error", id=identifier, kind="InternalError", message="Something broke.", details="Traceback: line 7")
        return
    if message["task"] == "fine-tune":
        from fake_fine_tuning import fineTune

        fineTune(send, mode, message, cancelled)
        return
    steps = 200 if mode in ("slow", "deaf") else 4
    for step in range(steps):
        send(
            mode == "in pieces", type="progress", id=identifier, fraction=step / steps, remaining_seconds=12.0,
            message=f"Enhancing slice {step + 1} of {steps} \u2026",
        )  # fmt: skip
        if cancelled.wait(0.05 if steps > 4 else 0.01) and mode != "deaf":
            send(type="error", id=identifier, kind="Cancelled", message="Cancelled.", details="")
            return
        if mode == "deaf":
            time.sleep(0.05)
    send(mode == "in pieces", **enlarge(mode, message))


def inspect(mode, message):
    """What the library finds in a scan; interpolated pixels, doubts, an error or silence on request."""
    if mode == "never looks":
        return
    if mode == "cannot look":
        send(type="error", id=message["id"], kind="InputError", message="The scan is a riddle.")
        return
    import numpy as np

    voxels, spacing = np.load(os.path.join(message["folder"], message["image"]["array"])), message["image"]["spacing"]
    kinds = ["none"] * 3 if mode != "interpolated" else ["zero-filled", "zero-filled", "none"]
    shares = [1.0 if kind == "none" else 0.5 for kind in kinds]
    axes = [
        {"direction": name, "spacing_mm": step, "share": share, "interpolation": kind, "confidence": 0.95,
         "evidence": "the band ends", "notes": [], "true_mm": step / share}
        for name, step, kind, share in zip(("left-right", "back-front", "foot-head"), spacing, kinds, shares)
    ]  # fmt: skip
    doubts = ["The head is cut off at the top.", "Brightness varies 3.4 times."] if mode == "doubts" else []
    send(
        type="result", id=message["id"],
        checkpoint={"name": "charms-x2-bicubic", "reason": "Its band ends where the paper's does."},
        acquisition={
            "axes": axes, "noise": {"value": 0.0213, "confidence": 0.8, "evidence": "air around the head"},
            "contrast": {"value": "T1w", "confidence": 0.9, "evidence": "white matter is bright"},
            "warnings": doubts, "seen": {"sum": float(voxels.sum()), "file": message["file"]},
        },
    )  # fmt: skip


def enlarge(mode, message):
    """The result message: each voxel twice along i and j, the outer borders as they were."""
    import numpy as np

    folder, image = message["folder"], message["image"]
    voxels = np.load(os.path.join(folder, image["array"]))
    if mode != "forgets the file":
        larger = voxels.astype(np.float32).repeat(2, axis=1).repeat(2, axis=2)
        np.save(os.path.join(folder, "output.npy"), larger)
    direction = np.reshape(image["direction"], (3, 3))
    spacing = np.array(image["spacing"])
    origin = np.array(image["origin"]) - direction[:, :2] @ (spacing[:2] / 4)
    grid = {"spacing": (spacing / (2, 2, 1)).tolist(), "origin": origin.tolist(), "direction": image["direction"]}
    maps = save_maps(mode, folder, message["settings"], larger) if mode != "forgets the file" else {}
    with open(os.path.join(folder, "message.json"), "w") as file:
        json.dump(message, file)
    return {
        "type": "result",
        "id": message["id"],
        "image": {"array": "output.npy", **grid},
        "mask": None,
        "maps": {name: {"array": file, **grid} for name, file in maps.items()},
        "report": {
            "checkpoint": {"name": message["settings"]["checkpoint"], "sha256": "ab" * 32},
            "device": "cpu",
            "precision": "float32",
            "stages": {"bias_correction": 4.9, "skull_strip": 2.2, "enhancement": 11.3},
            "peak_memory_bytes": {"host": 1900000000, "device": None},
            "slices": {"enhanced": voxels.shape[0] - 2, "skipped": 2},
            "data_consistency": {"mode": "report", "before": 0.0213, "after": 0.0213},
            "banding": {"input": 0.0012, "output": 0.0011},
            "through_plane_gradient_ratio": {"input": 0.84, "output": 0.66},
            "skull_strip": {"backend": "builtin", "volume_ml": 1432.4},
            "warnings": ["The mask is larger than brains are."] if mode == "warns" else [],
            "settings_seen": message["settings"],
            "mask_seen": message["mask"],
            "scan_seen": {"file": message["file"], "name": message["name"]},
        },
    }


def save_maps(mode, folder, settings, larger):
    """The map files by name: half the difference to the next voxel, its size, and a tenth of the voxels.

    With three planes there are all three, more than the library makes at once, so that a list has enough to show.
    """
    if not settings.get("maps"):
        return {}
    import numpy as np

    step = (np.roll(larger, 2, axis=2) - larger) / 2
    made = {"detail": step}
    if settings.get("planes") == "three":
        made["disagreement"] = np.abs(step)
    made["variability"] = larger / 10
    for name, voxels in made.items():
        np.save(os.path.join(folder, f"map_{name}.npy"), voxels)
    if mode == "forgets a map":
        os.remove(os.path.join(folder, "map_variability.npy"))
    return {name: f"map_{name}.npy" for name in made}


def send(in_pieces=False, **fields):
    """One message; in pieces that end inside characters, if asked for."""
    line = (json.dumps({"version": 1, **fields}, ensure_ascii=False) + "\n").encode()
    size = 7 if in_pieces else len(line)
    for start in range(0, len(line), size):
        sys.stdout.buffer.write(line[start : start + size])
        sys.stdout.buffer.flush()
        if in_pieces:
            time.sleep(0.0005)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
