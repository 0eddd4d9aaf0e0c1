"""A stand-in of the 3D Slicer application for tests of a scripted module: see README.md beside this file.

from Testing.host import start

host = start(moduleFolder="CHARMSSR", slicerPython=sys.executable)
widget = host.openModule("CHARMSSR")
host.grab(widget, "panel.png")
"""

import atexit
import os
import sys

_host = None


class HostUnavailable(ImportError):
    """What the host is built on isn't on this computer."""


def _makeHost():
    try:
        from PySide6 import QtGui, QtNetwork, QtUiTools, QtWidgets  # noqa: F401
    except ImportError as error:
        raise HostUnavailable(
            f"The test host needs PySide6-Essentials and the system's libEGL, libGL, libxkbcommon, libfontconfig and "
            f"libdbus (Debian: apt-get install libegl1 libgl1 libxkbcommon0 libfontconfig1 libdbus-1-3): {error}"
        ) from error
    try:
        import slicer_core  # noqa: F401
    except ImportError as error:
        raise HostUnavailable(f"The test host needs the package slicer-core: {error}") from error
    from .host import Host
    from .reference_counts import makeSingletonsImmortal

    makeSingletonsImmortal()
    return Host()


def start(moduleFolder=None, slicerPython=None):
    """Starts the host, or takes the running one and begins a new session in it.

    Args:
        moduleFolder: folder of a scripted module, which is loaded under the folder's own name; or None.
        slicerPython: Python that "PythonSlicer" starts; the running one if None.

    Returns:
        The :class:`Host`.

    Raises:
        HostUnavailable: a package or a library of the system is missing.
    """
    global _host
    # Both must stand before Qt is loaded.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.fonts.warning=false")
    if _host is None:
        _host = _makeHost()
        atexit.register(_host.removeFiles)
    _host.stop()
    _host.activate(os.path.abspath(slicerPython or sys.executable))
    if moduleFolder is not None:
        folder = os.path.abspath(str(moduleFolder))
        _host.loadModule(os.path.basename(folder), folder)
    return _host
