"""A workaround for PySide6 on Pythons older than 3.12.

PySide6 6.12 is built for Pythons whose None, True and False are immortal. On an older one every void function of Qt
takes one reference from None that it never had, and after some ten thousand calls Python ends with "deallocating None".
Giving these three more references than a test run could ever take makes them as good as immortal.
"""

import ctypes
import sys

_MANY = 1 << 40


def makeSingletonsImmortal():
    """Does so once per process; nothing where the interpreter does it itself, or has no counts to add to."""
    isConcerned = sys.implementation.name == "cpython" and sys.version_info < (3, 12)
    if not isConcerned or sys.maxsize < 2**32:
        return
    for singleton in (None, True, False):
        if sys.getrefcount(singleton) < _MANY // 2:
            # In these versions an object begins with its count.
            ctypes.c_ssize_t.from_address(id(singleton)).value += _MANY
