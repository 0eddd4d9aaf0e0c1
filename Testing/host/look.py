"""A look near Slicer's: Fusion style, a light palette, a real font (Qt's offscreen platform brings none)."""

import importlib.util
import os

from PySide6 import QtCore, QtGui, QtWidgets

_FAMILY = "DejaVu Sans"
_POINTS = 9.5


def _fontFolders():
    folders = ["/usr/share/fonts/truetype/dejavu"]
    matplotlib = importlib.util.find_spec("matplotlib")  # found without being imported, which takes long
    if matplotlib is not None:
        folders.append(os.path.join(os.path.dirname(matplotlib.origin), "mpl-data", "fonts", "ttf"))
    return folders


def useFonts():
    """Registers DejaVu from the system or from matplotlib's data; returns whether it was found."""
    for folder in _fontFolders():
        names = [
            name
            for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSansMono.ttf")
            if os.path.exists(os.path.join(folder, name))
        ]
        if names:
            for name in names:
                QtGui.QFontDatabase.addApplicationFont(os.path.join(folder, name))
            return True
    return False


def _palette(dark=False):
    if dark:  # the colours of Slicer's dark style
        palette = QtGui.QPalette(QtGui.QColor(50, 50, 50))
        for role, shade in (
            (QtGui.QPalette.Base, 30),
            (QtGui.QPalette.ToolTipBase, 50),
            (QtGui.QPalette.WindowText, 255),
            (QtGui.QPalette.Text, 255),
            (QtGui.QPalette.ButtonText, 255),
            (QtGui.QPalette.ToolTipText, 255),
        ):
            palette.setColor(role, QtGui.QColor(shade, shade, shade))
        for role in (QtGui.QPalette.WindowText, QtGui.QPalette.Text, QtGui.QPalette.ButtonText):
            palette.setColor(QtGui.QPalette.Disabled, role, QtGui.QColor(150, 150, 150))
        return palette
    palette = QtGui.QPalette(QtGui.QColor(240, 240, 240))
    palette.setColor(QtGui.QPalette.Base, QtGui.QColor(255, 255, 255))
    palette.setColor(QtGui.QPalette.Highlight, QtGui.QColor(48, 140, 198))
    return palette


def apply(application):
    """Gives the application its style, palette and font."""
    application.setStyle(QtWidgets.QStyleFactory.create("Fusion"))
    application.setPalette(_palette())
    useFonts()
    font = QtGui.QFont(_FAMILY)
    font.setPointSizeF(_POINTS)
    application.setFont(font)
    QtCore.qInstallMessageHandler(_onQtMessage)


def useStyle(application, dark):
    """Light or dark colours, as Slicer's styles have them."""
    application.setPalette(_palette(dark))


def _onQtMessage(kind, context, text):
    """Prints Qt's messages, less one about the offscreen platform that comes with every window."""
    if "propagateSizeHints" not in text:
        print(f"Qt {kind.name}: {text}")


def _neededHeight(panel, width):
    layout = panel.layout()
    if layout is not None and layout.hasHeightForWidth():
        return layout.totalHeightForWidth(width)
    return QtWidgets.QWidget.sizeHint(panel).height()


def grab(widget, path, width=480, scale=2.0):
    """Saves a picture of a panel.

    Args:
        widget: the widget, shown or not.
        path: PNG file; folders are made.
        width: width in points; the height follows from the contents.
        scale: pixels per point.

    Returns:
        The path.
    """
    panel = widget if isinstance(widget, QtWidgets.QWidget) else widget.parent
    window = panel.window()
    height = 0
    # More than once, because texts wrap anew at another width and scroll bars go.
    for _ in range(3):
        height = _neededHeight(panel, width)
        if window is not panel:
            window._hostResize(width + 20, (1280, height + 400))
        QtWidgets.QApplication.processEvents()
    panel.resize(width, height)
    image = QtGui.QImage(QtCore.QSize(round(width * scale), round(height * scale)), QtGui.QImage.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(panel.palette.color(QtGui.QPalette.Window))
    panel.render(image)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    image.save(str(path))
    return path


def grabWindow(window, path, dockWidth, size, scale):
    """Saves a picture of the main window with its dock, as an application of that size shows it."""
    for _ in range(3):  # texts wrap anew when the dock has its width
        window._hostResize(dockWidth, size)
        QtWidgets.QApplication.processEvents()
    image = QtGui.QImage(QtCore.QSize(round(size[0] * scale), round(size[1] * scale)), QtGui.QImage.Format_RGB32)
    image.setDevicePixelRatio(scale)
    window.render(image)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    image.save(str(path))
    return path
