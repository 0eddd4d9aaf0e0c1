"""The part of the panel that depends on this computer: devices, precision, batch, backends, own models."""

from slicer.i18n import tr as _

from ..jobs.machine_settings import machineSetting, setMachineSetting
from ..jobs.worker_client import READY, STARTING
from .fitted_texts import fullText
from .list_items import selectItem
from .report_text import backendTitle

MISSING_DEVICE = _("{name} (not found)")
MISSING_BACKEND = _("{name} (not installed)")
ENGINE_TITLES = {"auto": _("Automatic"), "ncnn": "ncnn", "torch": "PyTorch"}


class MachinePanel:
    """Shows what the worker found and keeps the user's choices in Slicer's settings."""

    def __init__(self, ui, worker, onFolderChanged):
        self._ui = ui
        self._worker = worker
        self._onFolderChanged = onFolderChanged
        self._shownHello = None
        for text, value in (
            (_("Automatic"), "auto"),
            (_("32 bit"), "float32"),
            (_("16 bit (float16)"), "float16"),
            (_("16 bit (bfloat16)"), "bfloat16"),
        ):
            ui.precisionComboBox.addItem(text, value)
        self._fillEngines()
        self._fillDevices()
        selectItem(ui.precisionComboBox, machineSetting("Precision"), "{name}")
        ui.batchSpinBox.value = machineSetting("Batch")
        ui.checkpointFolderPathLineEdit.currentPath = machineSetting("CheckpointFolder")
        ui.engineComboBox.connect("currentIndexChanged(int)", self._onEngineChanged)
        ui.deviceComboBox.connect("currentIndexChanged(int)", self._onDeviceChanged)
        ui.precisionComboBox.connect("currentIndexChanged(int)", self._onPrecisionChanged)
        ui.batchSpinBox.connect("valueChanged(int)", self._onBatchChanged)
        ui.checkpointFolderPathLineEdit.connect("currentPathChanged(QString)", self._onCheckpointFolderChanged)

    def refresh(self, chosenBackend):
        """Show what the worker says now."""
        hello = self._worker.hello
        if hello is not self._shownHello and hello is not None:
            self._shownHello = hello
            self._fillEngines()
            self._fillDevices()
            self.fillBackends(chosenBackend)
        if hello is not None:
            text = _("{device}; computed by {engine}").format(
                device=self._deviceInUse(hello), engine=hello.get("engine", "")
            )
            if hello.get("nvidia_cards") and not (hello.get("engines") or {}).get("torch"):
                text += _("; faster on your NVIDIA card with PyTorch (install the extension PyTorch)")
            if hello.get("nice", 0) > 0:
                text += _("; low priority (nice {value}): other programs go first").format(value=hello["nice"])
        elif self._worker.state == STARTING or self._worker.state == READY:
            text = _("Looking for devices\u2026")
        else:
            text = _("Known once the worker process has started.")
        self._ui.deviceLabel.text = text

    def backends(self):
        """Ways to find the brain that the worker has, the best one first; [] until it has told."""
        return (self._worker.hello or self._shownHello or {}).get("skull_strip_backends") or []

    def choices(self):
        """Engine and device that the user has chosen, as texts; [] where both are automatic."""
        lists = (("Engine", self._ui.engineComboBox), ("Device", self._ui.deviceComboBox))
        return [fullText(one, one.currentIndex) for name, one in lists if machineSetting(name) != "auto"]

    def fillBackends(self, chosen):
        """List the ways to find the brain that the worker has."""
        fillBackendList(self._ui.skullStripComboBox, self._worker.hello or self._shownHello, chosen)

    def _fillEngines(self):
        """List the engines that the library knows; what the worker has told that it lacks is marked."""
        from CHARMSSRLib.settings import ENGINES

        comboBox = self._ui.engineComboBox
        versions = (self._shownHello or {}).get("engines")
        wasBlocked = comboBox.blockSignals(True)
        comboBox.clear()
        for name in ENGINES:
            title = ENGINE_TITLES.get(name, name)
            lacks = name != "auto" and versions is not None and not versions.get(name)
            comboBox.addItem(MISSING_BACKEND.format(name=title) if lacks else title, name)
        selectItem(comboBox, machineSetting("Engine"), "{name}")
        comboBox.blockSignals(wasBlocked)

    def _fillDevices(self):
        comboBox = self._ui.deviceComboBox
        wasBlocked = comboBox.blockSignals(True)
        comboBox.clear()
        comboBox.addItem(_("Automatic"), "auto")
        for device in (self._shownHello or {}).get("devices") or [{"name": "cpu", "description": _("CPU")}]:
            comboBox.addItem(device.get("description") or device["name"], device["name"])
        selectItem(comboBox, machineSetting("Device"), MISSING_DEVICE)
        comboBox.blockSignals(wasBlocked)

    @staticmethod
    def _deviceInUse(hello):
        for device in hello.get("devices") or []:
            if device["name"] == hello.get("device"):
                return _("Automatic is {device}").format(device=device.get("description") or device["name"])
        return _("Automatic is {device}").format(device=hello.get("device"))

    def _onEngineChanged(self, index):
        setMachineSetting("Engine", self._ui.engineComboBox.itemData(index))

    def _onDeviceChanged(self, index):
        setMachineSetting("Device", self._ui.deviceComboBox.itemData(index))

    def _onPrecisionChanged(self, index):
        setMachineSetting("Precision", self._ui.precisionComboBox.itemData(index))

    def _onBatchChanged(self, value):
        setMachineSetting("Batch", value)

    def _onCheckpointFolderChanged(self, path):
        setMachineSetting("CheckpointFolder", path)
        if self._worker.state == READY:  # it read the folder when it started
            self._worker.stop()
        self._onFolderChanged()


def fillBackendList(comboBox, hello, chosen):
    """List the ways to find the brain that the worker has told in its hello (None before that); choose one."""
    names = (hello or {}).get("skull_strip_backends") or ["builtin"]
    wasBlocked = comboBox.blockSignals(True)
    comboBox.clear()
    comboBox.addItem(_("Automatic ({name})").format(name=backendTitle(names[0])), "auto")
    for name in names:
        comboBox.addItem(backendTitle(name), name)
    comboBox.addItem(_("None (brain only)"), "none")
    selectItem(comboBox, chosen, MISSING_BACKEND)
    comboBox.blockSignals(wasBlocked)
