"""Pytest fixture of the host; a conftest.py imports it by name."""

import sys

import pytest

# Kept at import, because the host empties it for the time that it runs.
_PYTHON = sys.executable


@pytest.fixture
def slicerHost():
    """A fresh session of the host without any module; errors in slots that nobody looked at fail the test."""
    from Testing.host import HostUnavailable, start

    try:
        host = start(slicerPython=_PYTHON)
    except HostUnavailable as error:
        if isinstance(error.__cause__, ModuleNotFoundError):  # a package, which the extra "test" brings
            raise
        pytest.skip(str(error))
    try:
        yield host
        host.raiseErrors()
    finally:
        host.stop()
