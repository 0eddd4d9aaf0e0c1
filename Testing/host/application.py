"""Stand-in of ``slicer.app`` (qSlicerApplication)."""

import os
import sys
import tempfile

import slicer
from PySide6 import QtCore, QtWidgets

from . import layout, main_window, modules
from .pythonqt import native, standIn
from .qt_module import QSettings
from .volume_io import IOManager

Signal = QtCore.Signal


class CommandOptions:
    """``slicer.app.commandOptions()``."""

    def __init__(self):
        self.runPythonAndExit = False
        self.isTestingEnabled = False
        self.noMainWindow = False


class ExtensionsManagerModel:
    """``slicer.app.extensionsManagerModel()``: what is installed is a plain list; nothing can be installed."""

    def __init__(self):
        self.installedExtensions = []
        self.interactive = True
        self.installRequests = []

    def isExtensionInstalled(self, name):
        return name in self.installedExtensions

    def updateExtensionsMetadataFromServer(self, force=False, waitForCompletion=False):
        return False

    def installExtensionFromServer(self, name, restart=True, update=True):
        self.installRequests.append(name)
        return False

    def downloadAndInstallExtensionByName(self, name, installDependencies=True, waitForCompletion=False):
        self.installRequests.append(name)
        return False


class PythonManager:
    """``slicer.app.pythonManager()``: runs code where the application would."""

    def executeString(self, code, mode=None):
        exec(compile(code, "<slicer>", "exec"), vars(sys.modules["__main__"]))


@standIn
class qSlicerApplication(native(QtWidgets.QApplication)):
    """The application: one for the whole process, as Qt wants it."""

    _hostSignatures = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}
    mrmlSceneChanged = Signal(object)
    startupCompleted = Signal()

    def __init__(self, home):
        super().__init__(["Slicer"])
        self.setOrganizationName("NA-MIC")
        self.setOrganizationDomain("www.na-mic.org")
        self.setApplicationName("Slicer")
        self.setApplicationVersion("5.13.0")
        self._hostHome = str(home)
        self._hostTesting = False
        self._hostExitStatus = None
        self._hostOptions = CommandOptions()
        self._hostManager = modules.qSlicerModuleManager()
        self._hostExtensions = ExtensionsManagerModel()
        self._hostPythonManager = PythonManager()
        self._hostIOManager = IOManager()
        self._hostTemporary = tempfile.mkdtemp(prefix="Slicer-", dir=self._hostHome)
        os.makedirs(self.cachePath)
        self._hostSettings = QSettings()

    def _hostStart(self, scene, applicationLogic):
        self._hostScene = scene
        self._hostLogic = applicationLogic
        self._hostLayout = layout.qSlicerLayoutManager(layout.SliceLogicKeeper(scene, applicationLogic))
        self._hostWindow = main_window.qSlicerMainWindow()

    def mrmlScene(self):
        return self._hostScene

    def applicationLogic(self):
        return self._hostLogic

    def moduleManager(self):
        return self._hostManager

    def moduleLogic(self, name):
        module = getattr(slicer.modules, name.lower(), None)
        return module.logic() if module is not None else None

    def layoutManager(self):
        return self._hostLayout

    def extensionsManagerModel(self):
        return self._hostExtensions

    def coreIOManager(self):
        return self._hostIOManager

    def ioManager(self):
        return self._hostIOManager

    def pythonManager(self):
        return self._hostPythonManager

    def pythonConsole(self):
        return None

    def commandOptions(self):
        return self._hostOptions

    def settings(self):
        return self._hostSettings

    def userSettings(self):
        return self._hostSettings

    def revisionUserSettings(self):
        return self._hostSettings

    def startupEnvironment(self):
        return QtCore.QProcessEnvironment.systemEnvironment()

    def environment(self):
        return QtCore.QProcessEnvironment.systemEnvironment()

    def testingEnabled(self):
        return self._hostTesting

    def topLevelWidgets(self):
        others = [widget for widget in QtWidgets.QApplication.topLevelWidgets() if widget is not self._hostWindow]
        return [self._hostWindow] + others

    def translate(self, context, text):
        return text

    def moduleDocumentationUrl(self, moduleName):
        return f"{self.documentationBaseUrl}user_guide/modules/{moduleName.lower()}.html"

    def exit(self, status=0):
        self._hostExitStatus = status

    def restart(self):
        self._hostExitStatus = "restart"

    def confirmRestart(self, reason=""):
        """Nothing restarts here."""

    def processEvents(self, *arguments):
        """As in Qt what was to be deleted later stays: it goes when control is back in the event loop."""
        QtWidgets.QApplication.processEvents(*arguments)

    def setRenderPaused(self, paused):
        """Nothing is rendered."""

    pauseRender = resumeRender = lambda self: None

    slicerHome = QtCore.Property(str, lambda self: self._hostHome)
    temporaryPath = QtCore.Property(str, lambda self: self._hostTemporary)
    cachePath = QtCore.Property(str, lambda self: self._hostTemporary + "/RemoteIO")
    extensionsInstallPath = QtCore.Property(str, lambda self: self._hostHome + "/Extensions")
    isInstalled = QtCore.Property(bool, lambda self: True)
    majorVersion = QtCore.Property(int, lambda self: 5)
    minorVersion = QtCore.Property(int, lambda self: 13)
    revision = QtCore.Property(str, lambda self: "31053")
    repositoryRevision = QtCore.Property(str, lambda self: "31053")
    os = QtCore.Property(str, lambda self: {"win32": "win", "darwin": "macosx"}.get(sys.platform, "linux"))
    documentationBaseUrl = QtCore.Property(str, lambda self: "https://slicer.readthedocs.io/en/latest/")
    mainApplicationName = QtCore.Property(str, lambda self: "Slicer")
