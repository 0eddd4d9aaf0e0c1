"""Makes the pictures of the panel that the documentation shows, of a real run, and puts them into Resources.

    python Testing/module/publish_pictures.py VOLUME [FOLDER]

opens the module in the test host, enhances the volume (any file that Slicer reads, a whole head is best) with the
default settings and grabs the panel ready, running and done; then once with the mask of another scan (the refusal
is shown) and once in a Slicer without ncnn and torch. FOLDER is Resources unless given.
"""

import os
import stat
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
WIDTH = 400  # points, about Slicer's own module panel
PUBLISHED_WIDTH, COLOURS = 560, 32
PATIENCE_S = 3600


def main(volumePath, folder=REPOSITORY / "Resources"):
    """Grab and publish all pictures."""
    sys.path.insert(0, str(REPOSITORY))
    from Testing.host import start

    with tempfile.TemporaryDirectory() as temporary:
        os.environ["CHARMSSR_HOME"] = temporary  # own models of whoever runs this stay out of the pictures
        host = start(moduleFolder=str(REPOSITORY / "CHARMSSR"), slicerPython=PYTHON)
        try:
            grabRealRun(host, volumePath, Path(temporary))
            grabWithoutTorch(host, Path(temporary))
        finally:
            host.stop()
        for picture in sorted(Path(temporary).glob("panel-*.png")):
            publish(picture, Path(folder))


def grabRealRun(host, volumePath, folder):
    """Ready, running, done and an error, with the worker that a user gets."""
    import slicer

    volume = slicer.util.loadVolume(str(volumePath))
    panel = host.openModule("CHARMSSR")
    panel.ui.inputSelector.setCurrentNode(volume)
    host.waitUntil(lambda: panel.logic.worker.state == "ready", 120)
    host.grab(panel, str(folder / "panel-idle.png"), width=WIDTH)
    panel.ui.enhanceButton.click()
    host.waitUntil(lambda: panel.job is None or panel.job.fraction > 0.6, PATIENCE_S)
    host.grab(panel, str(folder / "panel-running.png"), width=WIDTH)
    host.waitUntil(lambda: panel.job is None, PATIENCE_S)
    if panel._parameterNode.resultVolume is None:
        raise RuntimeError(panel.ui.messageLabel.text or panel.ui.statusLabel.text)
    host.grab(panel, str(folder / "panel-done.png"), width=WIDTH)

    far = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Mask of another scan")
    slicer.util.updateVolumeFromArray(far, slicer.util.arrayFromVolume(volume)[:9] * 0 + 1)
    far.SetOrigin(4000, 4000, 4000)
    panel._parameterNode.resultVolume = None
    panel.ui.maskSelector.setCurrentNode(far)
    panel.ui.enhanceButton.click()
    host.waitUntil(lambda: panel.job is None, PATIENCE_S)
    host.grab(panel, str(folder / "panel-error.png"), width=WIDTH)


def grabWithoutTorch(host, folder):
    """The notice: the worker's Python hides ncnn and torch."""
    host.reset()
    launcher = folder / "PythonSlicer"
    code = "import sys, runpy; sys.modules['torch'] = sys.modules['ncnn'] = None; sys.argv = ['charmssr', 'worker']; "
    code += "runpy.run_module('CHARMSSRLib', run_name='__main__')"
    launcher.write_text(f"#!/bin/sh\nexec '{PYTHON}' -c \"{code}\"\n")
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    os.environ["PATH"] = str(folder) + os.pathsep + os.environ["PATH"]
    host.providePackage("PyTorchUtils", PyTorchUtilsLogic=object)
    host.loadModule("CHARMSSR", str(REPOSITORY / "CHARMSSR"))
    panel = host.openModule("CHARMSSR")
    host.waitUntil(lambda: panel.logic.worker.startError is not None, 300)
    host.grab(panel, str(folder / "panel-no-torch.png"), width=WIDTH)


def publish(path, folder):
    """A small copy in few colours."""
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    height = round(picture.height * PUBLISHED_WIDTH / picture.width)
    small = picture.resize((PUBLISHED_WIDTH, height), Image.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(folder / path.name, optimize=True)
    print(f"{path.name}: {(folder / path.name).stat().st_size // 1024} KiB")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
