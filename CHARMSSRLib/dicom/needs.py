"""The packages of the extra ``[dicom]``, each imported only where it is needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..errors import BackendError


def need(name: str) -> ModuleType:
    """Import a package of the extra.

    Raises:
        BackendError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != name.partition(".")[0]:
            raise
        raise BackendError(
            f"DICOM needs {name.partition('.')[0]}, which is not installed: pip install 'charmssr[dicom]'."
        ) from error
