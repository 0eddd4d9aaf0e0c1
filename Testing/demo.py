"""Enhances a sample the way Slicer does, without Slicer: real MRML scene, real worker process.

A volume is loaded into an MRML scene; its voxels go to the worker process; the result
becomes a new volume node. Volume, report, scene and a picture (input, interpolation,
output side by side) are written into the output folder.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
from demo_picture import draw_comparison
from phantom import phantom_head

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "CHARMSSR"))

from CHARMSSRModule.geometry import gridFromIjkToRas, ijkToRasOfNode  # noqa: E402
from CHARMSSRModule.scene_results import addResult  # noqa: E402

SAMPLE = Path("volumes") / "ds000011_sub-04_T1w.nii.gz"  # a whole head that no bundled network was trained on
JOB = "demo"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=Path, help="a volume of your own")
    parser.add_argument("--output", type=Path, default=Path("demo"))
    parser.add_argument("--checkpoint", help="name of a bundled checkpoint or path of a weights file")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        run(options)
    except DemoError as error:
        raise SystemExit(f"demo: {error}") from error


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def run(options):
    """Sample -> scene -> worker -> scene -> files."""
    started = time.monotonic()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.input or sample(options.output)
    slicer.mrmlScene = slicer.vtkMRMLScene()
    source = load_volume(path)
    logging.info("Loaded %s: %s voxels", path.name, " x ".join(map(str, source.GetImageData().GetDimensions())))

    with tempfile.TemporaryDirectory(prefix="charmssr-demo-") as folder:
        message, result = enhance_in_worker(source, Path(folder), options.checkpoint)
        voxels = np.load(Path(folder) / result["image"]["array"])
        mask = np.load(Path(folder) / result["mask"]["array"])
    report = result["report"]
    scale = max(round(old / new) for old, new in zip(source.GetSpacing(), result["image"]["spacing"]))
    node = addResult(source, voxels, result["image"], report, message["library"], scale)

    names = {"volume": "enhanced.nii.gz", "report": "report.json", "scene": "scene.mrml", "picture": "comparison.png"}
    files = {kind: options.output / name for kind, name in names.items()}
    save_volume(node, files["volume"])
    files["report"].write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    slicer.mrmlScene.SetRootDirectory(str(options.output.resolve()))
    slicer.mrmlScene.Commit(str(files["scene"].resolve()))
    draw_comparison(image_of(source), image_of(node), mask_image(mask, result["mask"]), report, files["picture"])

    for warning in report["warnings"]:
        logging.info("Warning: %s", warning)
    for stage, seconds in report["stages"].items():
        logging.info("  %-28s %6.1f s", stage, seconds)
    logging.info("New node '%s'; %.0f s in all. Written:", node.GetName(), time.monotonic() - started)
    for file in files.values():
        logging.info("  %s", file)


def sample(output):
    """Path of the sample: a real volume beside the clone (or in $CHARMSSR_DATA), else a generated head."""
    named = os.environ.get("CHARMSSR_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if (folder / SAMPLE).is_file():
        return folder / SAMPLE
    path = output / "phantom.nii.gz"
    sitk.WriteImage(phantom_head(size=(160, 176, 60), spacing=(1.3, 1.3, 3.0)), str(path))
    return path


def load_volume(path):
    """Volume node of a file, read by Slicer's own reader."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", path.name.partition(".")[0])
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        raise DemoError(f"{path} cannot be read as a volume.")
    node.CreateDefaultDisplayNodes()
    return node


def save_volume(node, path):
    """Write a volume node by Slicer's own writer."""
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path.resolve()))
    node.SetAndObserveStorageNodeID(storage.GetID())
    if not storage.WriteData(node):
        raise DemoError(f"{path} cannot be written.")


def enhance_in_worker(node, folder, checkpoint):
    """(hello, result) messages of the worker for a volume node; arrays are in `folder`."""
    np.save(folder / "input.npy", np.ascontiguousarray(slicer.util.arrayFromVolume(node)))
    image = {"array": "input.npy", **gridFromIjkToRas(ijkToRasOfNode(node))}
    settings = {} if checkpoint is None else {"checkpoint": checkpoint}
    job = {"version": 1, "id": JOB, "type": "run", "task": "enhance", "folder": str(folder), "image": image}
    command = [sys.executable, "-m", "CHARMSSRLib", "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY) as worker:
        hello = answer(worker)
        send(worker, {**job, "mask": None, "settings": settings})
        result = answer(worker)
        send(worker, {"version": 1, "id": "", "type": "shutdown"})
    return hello, result


def send(worker, message):
    """Write one message to the worker."""
    worker.stdin.write((json.dumps(message) + "\n").encode("utf-8"))
    worker.stdin.flush()


def answer(worker):
    """Next message of the worker that is not about progress, which is shown."""
    shown = -1
    for line in worker.stdout:
        message = json.loads(line)
        if message["type"] == "error":
            raise DemoError(message["message"])
        if message["type"] != "progress":
            return message
        if int(20 * message["fraction"]) > shown:
            shown = int(20 * message["fraction"])
            logging.info("%4.0f %%  %s", 100 * message["fraction"], message["message"])
    raise DemoError("The worker process ended before it was done.")


def image_of(node):
    """SimpleITK image of a volume node."""
    return _image(slicer.util.arrayFromVolume(node), gridFromIjkToRas(ijkToRasOfNode(node)))


def mask_image(voxels, grid):
    """SimpleITK image of a mask as the worker returned it."""
    return _image(voxels, grid)


def _image(voxels, grid):
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(grid["spacing"])
    image.SetOrigin(grid["origin"])
    image.SetDirection(grid["direction"])
    return image


if __name__ == "__main__":
    main()
