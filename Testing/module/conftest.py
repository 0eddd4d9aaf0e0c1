"""The module in the host, with a fake worker unless a test asks for the real one."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from Testing.host.fixtures import slicerHost  # noqa: F401
from Testing.module.module_helpers import MODULE_FOLDER, writeCheckpoint, writeProgram

PYTHON = sys.executable  # the host empties it

if str(MODULE_FOLDER) not in sys.path:
    sys.path.insert(0, str(MODULE_FOLDER))


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The user's folder with the checkpoints "mine" and "mine-7t"; two others count as bundled."""
    from CHARMSSRLib.checkpoints import registry as checkpoint_registry

    bundled, folder = tmp_path / "bundled", tmp_path / "models"
    for kind in ("bicubic", "clinical"):
        noise_control = {"weights": "quiet.safetensors", "sha256": "0", "default": 70}
        control = {"noise_control": noise_control} if kind == "clinical" else {}
        title, summary = f"CHARMS x2, {kind}", f"For {kind} scans"
        writeCheckpoint(bundled, f"charms-x2-{kind}", title, summary=summary, seen_7t=False, **control)
    for name, seen7t in (("mine", False), ("mine-7t", True)):
        writeCheckpoint(folder, name, f"Model {name}", summary=f"What {name} <b>can</b> do", seen_7t=seen7t)
    monkeypatch.setattr(checkpoint_registry, "BUNDLED_FOLDER", bundled)
    monkeypatch.setenv("CHARMSSR_HOME", str(folder))
    return folder


@pytest.fixture
def slicerModule(slicerHost, models):  # noqa: F811
    """The host with the module loaded; its worker is gone afterwards, and with it every trace on disk."""
    import slicer

    slicerHost.loadModule("CHARMSSR", str(MODULE_FOLDER))
    from CHARMSSRModule.jobs import models as cards
    from CHARMSSRModule.jobs.worker_client import sharedWorker

    cards._homeOutside = str(models)
    worker = sharedWorker()
    worker.stop()
    worker.startError = None
    yield slicerHost
    worker.stop()
    leftovers = [name for name in os.listdir(slicer.app.temporaryPath) if name.startswith("CHARMSSR-")]
    assert leftovers == []


@pytest.fixture
def fakeWorker(slicerModule, tmp_path, monkeypatch):
    """Function: from now on the worker is fake_worker.py in the given mode, by variable or as Slicer's own Python."""

    def use(mode="normal", asPythonSlicer=False):
        script = Path(__file__).with_name("fake_worker.py")
        (tmp_path / "bin").mkdir(exist_ok=True)
        program = writeProgram(tmp_path / "bin" / "PythonSlicer", f'exec "{PYTHON}" "{script}" "{mode}"')
        if asPythonSlicer:
            monkeypatch.delenv("CHARMSSR_PYTHON", raising=False)
            monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
        else:
            monkeypatch.setenv("CHARMSSR_PYTHON", str(program))

    use()
    return use


@pytest.fixture
def logic(fakeWorker):
    """CHARMSSRLogic with a fake worker."""
    from CHARMSSRModule.logic import CHARMSSRLogic

    return CHARMSSRLogic()


@pytest.fixture
def head(fakeWorker):
    """Node of a generated, turned head."""
    from CHARMSSRModule.self_test import addPhantomHead

    return addPhantomHead()


@pytest.fixture
def panel(slicerModule, head):
    """The opened module with a head in the scene and a fake worker that is ready."""
    widget = slicerModule.openModule("CHARMSSR")
    widget._parameterNode.checkpoint = "mine"
    assert slicerModule.waitUntil(lambda: widget.logic.worker.state != "starting", 300)
    return widget


@pytest.fixture
def finish(slicerModule, panel):
    """Function: wait until the panel has no job any more."""

    def wait():
        assert slicerModule.waitUntil(lambda: panel.job is None, 300)

    return wait


@pytest.fixture
def moved(head):
    """The head under a rigid transform."""
    import slicer
    from CHARMSSRModule.scene.geometry import matrixFromArray

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registration")
    matrix = matrixFromArray([[0, -1, 0, 10], [1, 0, 0, -20], [0, 0, 1, 30], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(matrix)
    head.SetAndObserveTransformNodeID(transform.GetID())
    return head


@pytest.fixture
def addScan(fakeWorker):
    """Function: a volume node with a noisy head of its own."""
    import slicer

    def add(name, spacing=(3.5, 3.5, 8.0), seed=None):
        from CHARMSSRModule.self_test import addPhantomHead

        node = addPhantomHead(name)
        node.SetSpacing(*spacing)
        noise = np.random.default_rng(len(name) + sum(map(ord, name)) if seed is None else seed)
        voxels = slicer.util.arrayFromVolume(node)
        slicer.util.updateVolumeFromArray(node, (voxels + noise.integers(0, 30, voxels.shape)).astype(np.int16))
        return node

    return add


@pytest.fixture
def pairs(addScan):
    """Two pairs of nodes."""
    return [(addScan(f"sub-0{n} 3T T1w"), addScan(f"sub-0{n} 7T T1w", (3.0, 3.0, 4.0))) for n in (1, 2)]


class SceneState:
    """What must not change when nothing is added: the nodes, and when each was last modified."""

    def __init__(self):
        import slicer

        scene = slicer.mrmlScene
        nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
        self.state = [(node.GetID(), node.GetMTime()) for node in nodes]
        self.ids = [node.GetID() for node in nodes]

    def __eq__(self, other):
        return self.state == other.state

    def __repr__(self):
        return repr(self.state)


@pytest.fixture
def sceneState():
    """Function: the state of the scene now."""
    return SceneState
