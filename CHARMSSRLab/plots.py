"""Figures by matplotlib (the extra ``lab``), imported only when one is drawn."""

from pathlib import Path

from CHARMSSRLib.errors import BackendError, OutputError
from CHARMSSRLib.files.atomic import replacing


def require_matplotlib():
    """matplotlib's Figure, which draws without a display.

    Raises:
        BackendError: when matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BackendError("Figures need matplotlib, which is not installed: pip install 'charmssr[lab]'.") from error
    return Figure


def new_figure(width, height):
    """An empty figure of ``width`` x ``height`` inches.

    Raises:
        BackendError: when matplotlib is not installed.
    """
    return require_matplotlib()(figsize=(width, height), layout="constrained")


def save_figure(figure, path, dpi=110):
    """Write a figure as PNG; the file appears only when complete.

    Raises:
        OutputError: when it cannot be written.
    """
    path = Path(path)
    try:
        with replacing(path) as partial:
            figure.savefig(partial, format="png", dpi=dpi)
    except OSError as error:
        raise OutputError(f"The figure {path} cannot be written: {error.strerror}. Choose another folder.") from error
