"""Enhances a sample the way Slicer does, without Slicer: real MRML scene, real worker process.

A volume is loaded into an MRML scene; its voxels go to the worker process; the result
becomes a new volume node. Volume, report, scene and a picture (input, interpolation,
output side by side) are written into the output folder.
"""

import argparse
import json
import logging
import os
import sys
import time
from pathlib import Path

import SimpleITK as sitk
import slicer
from demo_picture import draw_comparison
from host import translation
from phantom import phantom_head

from CHARMSSRLib import CHARMSSRError, EnhancementSettings
from CHARMSSRLib.worker.client import WorkerClient

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "CHARMSSR"))
sys.modules["slicer.i18n"] = translation  # which the application alone brings

from CHARMSSRModule.scene.geometry import gridFromIjkToRas, ijkToRasOfNode  # noqa: E402
from CHARMSSRModule.scene.scene_results import addResult  # noqa: E402

SAMPLE = Path("volumes") / "ds000011_sub-04_T1w.nii.gz"  # a whole head that no bundled network was trained on


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=Path, help="a volume of your own")
    parser.add_argument("--output", type=Path, default=Path("demo"))
    parser.add_argument("--checkpoint", help="name of a bundled checkpoint or path of a weights file")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        run(options)
    except (DemoError, CHARMSSRError) as error:
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

    settings = EnhancementSettings(**({"checkpoint": options.checkpoint} if options.checkpoint else {}))
    answer, version = enhance_in_worker(image_of(source), settings)
    report = answer.report
    voxels = sitk.GetArrayFromImage(answer.image)
    node = addResult(source, voxels, grid_of(answer.image), report, version, report["checkpoint"]["scale"])

    names = {"volume": "enhanced.nii.gz", "report": "report.json", "scene": "scene.mrml", "picture": "comparison.png"}
    files = {kind: options.output / name for kind, name in names.items()}
    save_volume(node, files["volume"])
    files["report"].write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    slicer.mrmlScene.SetRootDirectory(str(options.output.resolve()))
    slicer.mrmlScene.Commit(str(files["scene"].resolve()))
    draw_comparison(image_of(source), image_of(node), answer.mask, report, files["picture"])

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


def enhance_in_worker(image, settings):
    """(Answer, version of the library) of a worker process for one image."""
    shown = -1

    def show(fraction, message):
        nonlocal shown
        if int(20 * fraction) > shown:
            shown = int(20 * fraction)
            logging.info("%4.0f %%  %s", 100 * fraction, message)

    with WorkerClient() as worker:
        return worker.enhance(image, settings, progress=show), worker.hello["library"]


def image_of(node):
    """SimpleITK image of a volume node."""
    image = sitk.GetImageFromArray(slicer.util.arrayFromVolume(node))
    grid = gridFromIjkToRas(ijkToRasOfNode(node))
    image.SetSpacing(grid["spacing"])
    image.SetOrigin(grid["origin"])
    image.SetDirection(grid["direction"])
    return image


def grid_of(image):
    """Grid of a SimpleITK image as the module's functions take it."""
    return {"spacing": image.GetSpacing(), "origin": image.GetOrigin(), "direction": image.GetDirection()}


if __name__ == "__main__":
    main()
