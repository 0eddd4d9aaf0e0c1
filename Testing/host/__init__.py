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


def start(moduleFolder=None, slicerPython=None):
    """Starts the host, or takes the running one and begins a new session in it.

    Args:
        moduleFolder: folder of a scripted module, which is loaded under the folder's own name; or None.
        slicerPython: Python that "PythonSlicer" starts; the running one if None.

    Returns:
        The :class:`Host`.
    """
    global _host
    # Both must stand before Qt is loaded.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.fonts.warning=false")
    if _host is None:
        from .reference_counts import makeSingletonsImmortal

        makeSingletonsImmortal()
        from .host import Host

        _host = Host()
        atexit.register(_host.removeFiles)
    _host.stop()
    _host.activate(os.path.abspath(slicerPython or sys.executable))
    if moduleFolder is not None:
        folder = os.path.abspath(str(moduleFolder))
        _host.loadModule(os.path.basename(folder), folder)
    return _host
