"""The host: starts the stand-in of Slicer in this process, opens modules, collects what they complained about."""

import contextlib
import logging
import os
import shutil
import stat
import sys
import tempfile
import time
import traceback
import types

import slicer
import slicer.util
from PySide6 import QtCore, QtWidgets

from . import (
    ctk_module,
    look,
    message_boxes,
    mrml_widgets,
    node_combo_box,
    plot_pictures,
    qt_module,
    sample_data,
    slice_pictures,
    translation,
)
from .application import qSlicerApplication
from .scene import SceneKeeper

# Between looks at the event queue: whoever is waited for may need this processor.
PAUSE_S = 0.01


class Host:
    """A started stand-in of Slicer. There is one per process: use :func:`Testing.host.start`."""

    def __init__(self):
        self.slotErrors = []
        self.pipRequests = []
        self._isActive = False
        self._saved = {}
        self._home = tempfile.mkdtemp(prefix="slicer-host-")
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
        QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, QtCore.QSettings.UserScope, self._home)
        self._installNamespace()
        self.application = qSlicerApplication(self._home)
        slicer.app = self.application
        look.apply(self.application)
        self._keeper = SceneKeeper(self._home, self.application.cachePath)
        slicer.mrmlScene = self._keeper.scene
        self.application._hostStart(self._keeper.scene, self._keeper.applicationLogic)
        self._keeper.afterClose.append(self.application._hostLayout._hostKeeper.restore)
        self._keeper.afterClose.append(self.application._hostLayout._hostMapViews)
        self._installModules()

    # --- life -----------------------------------------------------------------------------------------------------
    def activate(self, slicerPython):
        """Makes the process look like Slicer's: PythonSlicer on the PATH, an empty sys.executable, error hook."""
        if self._isActive:
            return
        self._isActive = True
        self._saved = {"executable": sys.executable, "hook": sys.excepthook, "path": os.environ.get("PATH", "")}
        folder = os.path.join(self._home, "bin")
        os.makedirs(folder, exist_ok=True)
        launcher = os.path.join(folder, "PythonSlicer")
        with open(launcher, "w", encoding="utf-8") as file:
            # A script and not a link: Python finds its virtual environment by the name it was started with.
            file.write(f'#!/bin/sh\nexec "{slicerPython}" "$@"\n')
        os.chmod(launcher, os.stat(launcher).st_mode | stat.S_IXUSR)
        os.environ["PATH"] = folder + os.pathsep + self._saved["path"]
        sys.executable = ""
        sys.excepthook = self._onError

    def stop(self):
        """Closes modules and windows and gives the process back as it was; :func:`start` starts again."""
        if not self._isActive:
            return
        self.reset()
        self.application._hostWindow.hide()
        self._isActive = False
        sys.executable, sys.excepthook = self._saved["executable"], self._saved["hook"]
        os.environ["PATH"] = self._saved["path"]

    def removeFiles(self):
        """Deletes the settings and temporary files of the host, at the end of the process."""
        shutil.rmtree(self._home, ignore_errors=True)

    def reset(self):
        """A new session: modules unloaded, scene cleared, settings, messages and answers forgotten."""
        self.closeModules()
        slicer.mrmlScene.Clear(1)
        self.processEvents()
        for values in (
            self.slotErrors,
            self.pipRequests,
            message_boxes.shown,
            message_boxes.answers,
            message_boxes.paths,
            message_boxes.openedUrls,
        ):
            values.clear()
        slicer.modules.sampleDataSources = {}
        sample_data.SampleDataLogic.localFiles.clear()
        self.application.settings().clear()
        self.application._hostTesting = False
        look.useStyle(self.application, dark=False)
        self.application._hostWindow._hostResize(self.application._hostWindow._hostDockWidth)
        self.application._hostExitStatus = None
        self.application._hostExtensions.installedExtensions.clear()
        self.application._hostExtensions.installRequests.clear()
        self.removePackage("PyTorchUtils")
        self.removePackage("slicer.packaging")

    # --- modules --------------------------------------------------------------------------------------------------
    def loadModule(self, name, folder):
        """Loads the scripted module ``folder/name.py`` as the application does at its start."""
        path = os.path.join(os.path.abspath(folder), name + ".py")
        module = self.application.moduleManager()._hostAdd(name, path)
        self.application.startupCompleted.emit()
        self.raiseErrors()
        return module

    def openModule(self, name):
        """Selects a module, which builds its panel the first time, and returns the panel's Python object."""
        self.application._hostWindow.show()
        slicer.util.selectModule(name)
        self.processEvents()
        self.raiseErrors()
        return getattr(slicer.modules, name + "Widget")

    def closeModules(self):
        """Unloads all modules as the application does at its end."""
        self.application._hostWindow._hostSelector.selectModule("")
        manager = self.application.moduleManager()
        for name in list(manager.loadedModuleNames()):
            manager._hostUnload(name)
        self.processEvents()

    def runSelfTests(self, name):
        """Runs the module's test class as Slicer's button "Test" does, in testing mode.

        Raises:
            AssertionError: a test failed, or a slot raised an error meanwhile.
        """
        with self.testingMode():
            slicer.selfTests[name](msec=0)
        self.raiseErrors()

    @contextlib.contextmanager
    def testingMode(self, enabled=True):
        """In this block ``slicer.app.testingEnabled()`` is true: dialogs are logged, not shown."""
        before = self.application._hostTesting
        self.application._hostTesting = enabled
        try:
            yield
        finally:
            self.application._hostTesting = before

    # --- what happened --------------------------------------------------------------------------------------------
    def processEvents(self, seconds=0.0):
        """Lets events be processed, for at least so many seconds."""
        end = QtCore.QDeadlineTimer(round(1000 * seconds))
        self._turnEventLoop()
        while not end.hasExpired():
            self._turnEventLoop(20)
            time.sleep(PAUSE_S)

    def waitUntil(self, condition, seconds=300.0):
        """Processes events until a condition holds; returns whether it did in time."""
        end = QtCore.QDeadlineTimer(round(1000 * seconds))
        while not condition():
            if end.hasExpired():
                return False
            self._turnEventLoop(20)
            time.sleep(PAUSE_S)
        return True

    def _turnEventLoop(self, milliseconds=0):
        """What happens while no code of a module or script runs: deferred deletions, too, which wait for that."""
        self.application.processEvents(QtCore.QEventLoop.AllEvents, milliseconds)
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete.value)

    @property
    def messages(self):
        """Every message box shown so far (see :class:`message_boxes.Message`)."""
        return message_boxes.shown

    @property
    def openedUrls(self):
        """What was to be shown in a browser, as text."""
        return message_boxes.openedUrls

    @property
    def statusMessage(self):
        """Text in the status bar of the main window."""
        return self.application._hostWindow.statusBar().currentMessage()

    def answer(self, *buttons):
        """Which buttons the next message boxes get, for example ``host.answer("Cancel")``."""
        message_boxes.answers.extend(buttons)

    def choosePath(self, *paths):
        """What the next file dialogs return."""
        message_boxes.paths.extend(str(path) for path in paths)

    def raiseErrors(self):
        """Raises what slots and observers have raised since; Slicer would have written it to its error log."""
        if self.slotErrors:
            errors, self.slotErrors[:] = list(self.slotErrors), []
            raise AssertionError("Errors in slots or observers:\n" + "\n".join(errors))

    def _onError(self, kind, value, trace):
        text = "".join(traceback.format_exception(kind, value, trace))
        logging.error(text)
        self.slotErrors.append(text)

    # --- packages of other extensions -------------------------------------------------------------------------------
    def providePackage(self, name, **members):
        """Pretends that another extension brings a Python module, for example ``PyTorchUtils``."""
        module = types.ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module
        if name.startswith("slicer."):
            setattr(slicer, name.partition(".")[2], module)
        return module

    def removePackage(self, name):
        """Takes such a module away again."""
        sys.modules.pop(name, None)
        if name.startswith("slicer.") and hasattr(slicer, name.partition(".")[2]):
            delattr(slicer, name.partition(".")[2])

    def useStyle(self, dark):
        """Slicer's light or dark style."""
        look.useStyle(self.application, dark)
        self.processEvents()

    # --- pictures ---------------------------------------------------------------------------------------------------
    def grab(self, widget, path, width=480, scale=2.0):
        """Saves a picture of a panel: see :func:`look.grab`."""
        return look.grab(widget, path, width, scale)

    def grabWindow(self, path, dockWidth=299, size=(1280, 900), scale=1.0):
        """Saves a picture of the main window: see :func:`look.grabWindow`."""
        return look.grabWindow(self.application._hostWindow, path, dockWidth, size, scale)

    def plotPicture(self, path):
        """Saves a picture of the chart that plot views show: see :func:`plot_pictures.picture`."""
        plot_pictures.picture(plot_pictures.activeChart(), path)

    def slicePicture(self, volumeNode, orientation="Axial", offset=None, size=(256, 256), zoomTo=None):
        """A slice as the scene displays it, as an RGB array: see :func:`slice_pictures.picture`."""
        return slice_pictures.picture(volumeNode, orientation, offset, size, zoomTo)

    def viewPicture(self, viewName, size=(256, 256)):
        """A slice view as it blends its layers, as an RGB array: see :func:`slice_pictures.viewPicture`."""
        return slice_pictures.viewPicture(viewName, size)

    # --- making the namespace ---------------------------------------------------------------------------------------
    def _installNamespace(self):
        # slicer-core spills its utilities into the package, where the application has none.
        for name, value in list(vars(slicer).items()):
            isVtk = name.startswith("vtk") or name.startswith("VTK")
            if not (isVtk or name.startswith("_") or name == "util"):
                if getattr(slicer.util, name, None) is value or name in ("me", "info", "module", "item_name"):
                    delattr(slicer, name)
        for name in ("modules", "moduleNames"):
            sys.modules["slicer." + name] = types.ModuleType(name)
            setattr(slicer, name, sys.modules["slicer." + name])
        sys.modules["qt"] = qt_module.make()
        sys.modules["ctk"] = ctk_module.make()
        sys.modules["SampleData"] = sample_data.make()
        for module in (mrml_widgets, node_combo_box):
            for name, value in vars(module).items():
                if name.startswith("q") and isinstance(value, type):
                    setattr(slicer, name, value)
        self._installSubmodule("i18n", translation)
        from . import modules, parameter_nodes, scripted_module

        self._installSubmodule("parameterNodeWrapper", parameter_nodes)
        self._installSubmodule("ScriptedLoadableModule", scripted_module)
        slicer.qSlicerScriptedLoadableModule = modules.qSlicerScriptedLoadableModule
        slicer.qSlicerScriptedLoadableModuleWidget = modules.qSlicerScriptedLoadableModuleWidget
        slicer.util.pip_install = self._refusePip
        slicer.util.pip_uninstall = self._refusePip

    def _installSubmodule(self, name, module):
        sys.modules["slicer." + name] = module
        setattr(slicer, name, module)

    def _refusePip(self, requirements, **keywords):
        self.pipRequests.append(requirements)
        raise RuntimeError(f"pip install {requirements}: nothing is installed by the test host.")

    def _installModules(self):
        from .modules import LoadableModule

        slicer.selfTests = {}
        slicer.modules.sampleDataSources = {}
        for name, logic in self._keeper.moduleLogics.items():
            setattr(slicer.modules, name.lower(), LoadableModule(name, logic))
        QtWidgets.QApplication.setQuitOnLastWindowClosed(False)
