"""What ``charmssr bids`` says on standard error while it runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ..errors import CHARMSSRError
from .progress import ProgressLine

if TYPE_CHECKING:
    import argparse

SHOWN_NOTES = 20


def tell(notes: Any, everything: bool = False) -> None:
    """Say what was left out of a dataset."""
    shown = notes if everything else notes[:SHOWN_NOTES]
    for note in shown:
        say(note.message)
    if len(notes) > len(shown):
        say(f"... and {len(notes) - len(shown)} more scans or folders are left out; --dry-run lists them all.")


def say(message: str) -> None:
    """One line on standard error; nothing for an empty one."""
    if message:
        print(f"charmssr: {message}", file=sys.stderr)


class Console:
    """Tells a run's progress on standard error."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._line: ProgressLine | None = None
        self._position = ""

    def progress(self, task: Any, position: str, seconds_left: float | None) -> Any:
        """The line of a scan that is begun."""
        from ..remaining_time import spoken

        self.close()
        left = f", all: about {spoken(seconds_left)} left" if seconds_left else ""
        self._position = position
        self._line = ProgressLine(prefix=f"[{position}{left}] {task.outputs.key}  ")
        return self._line

    def ended(self, task: Any, status: str, message: str) -> None:
        """Say what became of a scan."""
        self.close()
        position = f"[{self._position}] " if self._position else ""
        text = f"{status}: {message}" if message and status != "done" else f"{status} {message}".strip()
        print(f"{position}{task.outputs.key}  {text}", file=sys.stderr)
        self._position = ""

    def subject_done(self, subject: str) -> None:
        """Make the page of a subject whose scans are done."""
        if self._arguments.no_pages:
            return
        from ..bids.pages import write_subject_page

        try:
            write_subject_page(self._arguments.output, subject)
        except CHARMSSRError as error:  # the group level makes all pages anew
            say(f"The page of {subject} is left for the group level: {error}")

    def close(self) -> None:
        """End the line of a scan."""
        if self._line is not None:
            self._line.__exit__()
            self._line = None
