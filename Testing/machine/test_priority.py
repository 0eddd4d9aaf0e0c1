"""A process that was started at the lowest priority takes the normal one where it may, and says what it has."""

import os
import subprocess
import sys

import pytest

from CHARMSSRLib.machine import priority

CODE = """
import os
from CHARMSSRLib.machine.priority import raise_priority
told = raise_priority()
print(told, os.getpriority(os.PRIO_PROCESS, 0))
"""

needs_priorities = pytest.mark.skipif(not hasattr(os, "setpriority"), reason="the system has no nice values")


@needs_priorities
def test_what_is_told_is_what_the_process_has():
    started_low = ["nice", "-n", "19", sys.executable, "-c", CODE]
    told, actual = subprocess.run(started_low, capture_output=True, text=True, check=True).stdout.split()
    assert told == actual and int(told) in (0, 19)


@needs_priorities
def test_where_the_system_refuses_the_low_priority_is_told(monkeypatch):
    def refuse(*arguments):
        raise PermissionError("not you")

    monkeypatch.setattr(os, "getpriority", lambda which, who: 19)
    monkeypatch.setattr(os, "setpriority", refuse)
    assert priority.raise_priority() == 19
