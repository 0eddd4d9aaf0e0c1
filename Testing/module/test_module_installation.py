"""Slicer without ncnn and torch: the module opens, says what it needs, and installs it on a click only."""

import subprocess
import sys

import pytest

PYTHON = sys.executable

OPEN_WITHOUT_TORCH = """
import sys
python = sys.executable
for package in ("ncnn", "torch", "safetensors"):
    sys.modules[package] = None  # importing it raises ImportError
sys.path.insert(0, {repository!r})
from Testing.host import start
host = start(moduleFolder={module!r}, slicerPython=python)
widget = host.openModule("CHARMSSR")
assert not any(name.split(".")[0] in ("ncnn", "torch", "safetensors") for name, module in sys.modules.items() if module)
assert host.pipRequests == [] and host.messages == []
assert widget.ui.checkpointComboBox.count >= 1
host.stop()
print("opened")
"""


@pytest.fixture
def installed(monkeypatch, slicerModule):
    """Set of packages that Slicer's Python is said to have."""
    from CHARMSSRModule.jobs import installation

    packages = set()
    monkeypatch.setattr(installation, "isInstalled", lambda package: package in packages)
    return packages


@pytest.fixture
def requirements(monkeypatch, slicerModule):
    """What pip is asked for, by the way that Slicer 5.8 and 5.10 have."""
    import slicer

    asked = []
    monkeypatch.setattr(slicer.util, "pip_install", asked.append)
    return asked


class TorchExtension:
    """Stand-in of PyTorchUtilsLogic."""

    calls = []

    def installTorch(self, **options):
        type(self).calls.append(options)


@pytest.fixture
def extension(slicerModule):
    """The PyTorch extension is there; the calls that it gets."""
    calls = []
    slicerModule.providePackage("PyTorchUtils", PyTorchUtilsLogic=type("Logic", (TorchExtension,), {"calls": calls}))
    return calls


@pytest.fixture
def openPanel(slicerModule, fakeWorker, head):
    """Function: open the module in a Slicer whose Python has no engine."""

    def opened(asPythonSlicer=True):
        fakeWorker("without ncnn", asPythonSlicer)
        widget = slicerModule.openModule("CHARMSSR")
        assert slicerModule.waitUntil(lambda: widget.logic.worker.startError is not None, 300)
        return widget

    return opened


def test_the_module_opens_where_no_engine_can_be_imported(models):
    from Testing.module.module_helpers import MODULE_FOLDER, REPOSITORY

    code = OPEN_WITHOUT_TORCH.format(repository=str(REPOSITORY), module=str(MODULE_FOLDER))
    done = subprocess.run([PYTHON, "-c", code], cwd=str(REPOSITORY), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and done.stdout.endswith("opened\n"), done.stderr


def test_there_is_one_sentence_and_one_button(slicerModule, openPanel, requirements):
    panel = openPanel()
    assert not panel.ui.noticeFrame.isHidden()
    assert "ncnn (about 8 MB), which is not installed yet" in panel.ui.noticeLabel.text
    assert panel.ui.installButton.enabled
    assert not panel.ui.enhanceButton.enabled and "about 8 MB" in panel.ui.enhanceButton.toolTip
    assert "#offline" in panel.ui.noticeLabel.text and "<a" not in panel.ui.enhanceButton.toolTip
    assert panel.ui.messageFrame.isHidden()
    assert slicerModule.messages == [] and requirements == []


def test_for_another_python_the_sentence_says_where_to_install(openPanel):
    panel = openPanel(asPythonSlicer=False)
    assert "CHARMSSR_PYTHON" in panel.ui.noticeLabel.text and not panel.ui.installButton.enabled


def test_one_question_then_ncnn_and_safetensors_are_installed_and_no_torch(
    slicerModule, openPanel, extension, installed, requirements, fakeWorker
):
    panel = openPanel()
    fakeWorker("normal", asPythonSlicer=True)  # what it will be once they are there
    panel.ui.installButton.click()
    assert len(slicerModule.messages) == 1 and "about 8 MB" in slicerModule.messages[0].text
    assert requirements == ["ncnn>=1.0.20250503", "safetensors>=0.4"] and extension == []
    assert slicerModule.waitUntil(lambda: panel.logic.worker.state == "ready", 300)
    assert panel.ui.noticeFrame.isHidden() and panel.ui.enhanceButton.enabled


def test_slicers_packaging_is_used_where_there_is_one(slicerModule, openPanel, installed):
    requirements = []
    installed.add("ncnn")
    slicerModule.providePackage("slicer.packaging", pip_install=requirements.append)
    openPanel().ui.installButton.click()
    assert requirements == ["safetensors>=0.4"] and slicerModule.pipRequests == []


def test_a_no_installs_nothing(slicerModule, openPanel, requirements):
    panel = openPanel()
    slicerModule.answer("Cancel")
    panel.ui.installButton.click()
    assert requirements == [] and slicerModule.pipRequests == [] and not panel.ui.noticeFrame.isHidden()


def test_an_installation_that_fails_is_shown(slicerModule, openPanel, installed, monkeypatch):
    import slicer

    def fail(requirement):
        raise RuntimeError("no network")

    monkeypatch.setattr(slicer.util, "pip_install", fail)
    panel = openPanel()
    panel.ui.installButton.click()
    assert "ncnn could not be installed." in slicerModule.messages[-1].text
    assert "no network" in slicerModule.messages[-1].text
    assert slicer.app.overrideCursor() is None
    slicerModule.slotErrors.clear()  # Slicer writes it to its log, too


def test_torch_is_asked_for_by_fine_tuning_alone_and_comes_through_its_extension(slicerModule, extension):
    from CHARMSSRModule.jobs import installation

    assert "Fine-tuning computes with PyTorch" in installation.missingSentence("torch", True)
    slicerModule.answer("Cancel")
    assert not installation.installTorch() and extension == []
    assert installation.installTorch()
    assert extension == [{"askConfirmation": False, "torchVersionRequirement": ">=2.2"}]


def test_without_the_extension_the_sentence_says_where_to_get_it(slicerModule):
    from CHARMSSRModule.jobs import installation

    sentence = installation.missingSentence("torch", True)
    assert "install the extension PyTorch in the Extensions Manager and restart Slicer" in sentence


def test_numpy_scipy_and_simpleitk_are_never_named_to_pip():
    from Testing.module.module_helpers import MODULE_FOLDER

    source = (MODULE_FOLDER / "CHARMSSRModule" / "jobs" / "installation.py").read_text(encoding="utf-8")
    code = source.split('"""', 2)[2]
    assert not any(package in code for package in ("numpy", "scipy", "SimpleITK"))
