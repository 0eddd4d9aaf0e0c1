"""Keeps what native libraries print out of the user's sight, and what they do to the locale out of the process."""

from __future__ import annotations

import contextlib
import locale
import os
import sys
from collections.abc import Iterator

import SimpleITK as sitk


@contextlib.contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Send file descriptor 2 nowhere while a native library works.

    Readers and writers inside SimpleITK (MetaImage, MINC, HDF5, GDCM, NIfTI) print past ITK's own
    warning switch. What they have to say reaches the user as the one sentence of an exception.
    Where there is no descriptor 2 (a windowed Python), nothing is done.

    The readers of some formats (VTK) leave the locale "C" behind, in which Python opens text as ASCII: it is put
    back.
    """
    spoken = locale.setlocale(locale.LC_ALL)
    warnings_shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        with contextlib.ExitStack() as stack:
            try:
                _flush(sys.stderr)
                kept = os.dup(2)
            except OSError:
                kept = None
            if kept is not None:
                stack.callback(os.close, kept)
                nowhere = stack.enter_context(open(os.devnull, "wb"))
                os.dup2(nowhere.fileno(), 2)
                stack.callback(os.dup2, kept, 2)
            yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(warnings_shown)
        if locale.setlocale(locale.LC_ALL) != spoken:
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_ALL, spoken)


def _flush(stream):
    if stream is not None:
        with contextlib.suppress(ValueError):
            stream.flush()
