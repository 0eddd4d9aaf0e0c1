"""Slicer without torch: the module opens, says how to get it, and installs it on a click only."""

import subprocess
import sys

import pytest

PYTHON = sys.executable

OPEN_WITHOUT_TORCH = """
import sys
python = sys.executable
for package in ("torch", "safetensors"):
    sys.modules[package] = None  # importing it raises ImportError
sys.path.insert(0, {repository!r})
from Testing.host import start
host = start(moduleFolder={module!r}, slicerPython=python)
widget = host.openModule("CHARMSSR")
assert not any(name.split(".")[0] in ("torch", "safetensors") for name, module in sys.modules.items() if module)
assert host.pipRequests == [] and host.messages == []
assert widget.ui.checkpointComboBox.count >= 1
host.stop()
print("opened")
"""


@pytest.fixture
def installed(monkeypatch, slicerModule):
    """Set of packages that Slicer's Python is said to have."""
    from CHARMSSRModule.jobs import torch_installation

    packages = set()
    monkeypatch.setattr(torch_installation, "isInstalled", lambda package: package in packages)
    return packages


class TorchExtension:
    """Stand-in of PyTorchUtilsLogic that "installs"."""

    calls = []
    installed = None
    fails = False

    def installTorch(self, **options):
        type(self).calls.append(options)
        if self.fails:
            raise RuntimeError("no network")
        self.installed.add("torch")


@pytest.fixture
def extension(slicerModule, installed):
    """The PyTorch extension is there; the calls that it gets."""
    calls = []
    slicerModule.providePackage(
        "PyTorchUtils", PyTorchUtilsLogic=type("Logic", (TorchExtension,), {"calls": calls, "installed": installed})
    )
    return calls


@pytest.fixture
def openPanel(slicerModule, fakeWorker, head):
    """Function: open the module in a Slicer without torch."""

    def opened(asPythonSlicer=True):
        fakeWorker("without torch", asPythonSlicer)
        widget = slicerModule.openModule("CHARMSSR")
        assert slicerModule.waitUntil(lambda: widget.logic.worker.startError is not None, 20)
        return widget

    return opened


def test_the_module_opens_where_torch_cannot_be_imported(models):
    from conftest import MODULE_FOLDER, REPOSITORY

    code = OPEN_WITHOUT_TORCH.format(repository=str(REPOSITORY), module=str(MODULE_FOLDER))
    done = subprocess.run([PYTHON, "-c", code], cwd=str(REPOSITORY), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.endswith("opened\n"), done.stderr


def test_with_the_extension_there_is_one_sentence_and_one_button(slicerModule, openPanel, extension):
    panel = openPanel()
    assert not panel.ui.noticeFrame.isHidden()
    assert "PyTorch, which is not installed yet" in panel.ui.noticeLabel.text
    assert panel.ui.installButton.enabled
    assert not panel.ui.enhanceButton.enabled and panel.ui.enhanceButton.toolTip == panel.ui.noticeLabel.text
    assert panel.ui.messageFrame.isHidden()
    assert slicerModule.messages == [] and slicerModule.pipRequests == [] and extension == []


def test_without_the_extension_the_sentence_says_where_to_get_it(openPanel):
    panel = openPanel()
    assert "install the extension PyTorch in the Extensions Manager and restart Slicer" in panel.ui.noticeLabel.text
    assert not panel.ui.installButton.enabled and panel.ui.installButton.toolTip == panel.ui.noticeLabel.text


def test_for_another_python_the_sentence_says_where_to_install(openPanel, extension):
    panel = openPanel(asPythonSlicer=False)
    assert "CHARMSSR_PYTHON" in panel.ui.noticeLabel.text and not panel.ui.installButton.enabled


def test_one_question_then_torch_and_safetensors_are_installed(
    slicerModule, openPanel, extension, installed, fakeWorker, monkeypatch
):
    import slicer

    requirements = []
    monkeypatch.setattr(slicer.util, "pip_install", requirements.append)
    panel = openPanel()
    fakeWorker("normal", asPythonSlicer=True)  # what it will be once torch is there
    panel.ui.installButton.click()
    assert len(slicerModule.messages) == 1
    assert "PyTorch" in slicerModule.messages[0].text and "safetensors" in slicerModule.messages[0].text
    assert extension == [{"askConfirmation": False, "torchVersionRequirement": ">=2.2"}]
    assert requirements == ["safetensors>=0.4"]
    assert slicerModule.waitUntil(lambda: panel.logic.worker.state == "ready", 20)
    assert panel.ui.noticeFrame.isHidden() and panel.ui.enhanceButton.enabled


def test_slicers_packaging_is_used_where_there_is_one(slicerModule, openPanel, extension, installed):
    requirements = []
    installed.add("torch")
    slicerModule.providePackage("slicer.packaging", pip_install=requirements.append)
    openPanel().ui.installButton.click()
    assert requirements == ["safetensors>=0.4"] and extension == [] and slicerModule.pipRequests == []


def test_a_no_installs_nothing(slicerModule, openPanel, extension):
    panel = openPanel()
    slicerModule.answer("Cancel")
    panel.ui.installButton.click()
    assert extension == [] and slicerModule.pipRequests == [] and not panel.ui.noticeFrame.isHidden()


def test_an_installation_that_fails_is_shown(slicerModule, openPanel, installed):
    import slicer

    slicerModule.providePackage(
        "PyTorchUtils", PyTorchUtilsLogic=type("Logic", (TorchExtension,), {"calls": [], "fails": True})
    )
    panel = openPanel()
    panel.ui.installButton.click()
    assert "PyTorch could not be installed." in slicerModule.messages[-1].text
    assert "no network" in slicerModule.messages[-1].text
    assert slicer.app.overrideCursor() is None
    slicerModule.slotErrors.clear()  # Slicer writes it to its log, too


def test_numpy_scipy_and_simpleitk_are_never_named_to_pip():
    from conftest import MODULE_FOLDER

    source = (MODULE_FOLDER / "CHARMSSRModule" / "jobs" / "torch_installation.py").read_text(encoding="utf-8")
    code = source.split('"""', 2)[2]
    assert not any(package in code for package in ("numpy", "scipy", "SimpleITK"))
