"""What ``charmssr bids`` says on standard error while it runs."""

import sys

from ..errors import CHARMSSRError
from .progress import ProgressLine

SHOWN_NOTES = 20


def tell(notes, everything=False):
    """Say what was left out of a dataset."""
    shown = notes if everything else notes[:SHOWN_NOTES]
    for note in shown:
        say(note.message)
    if len(notes) > len(shown):
        say(f"... and {len(notes) - len(shown)} more scans or folders are left out; --dry-run lists them all.")


def say(message):
    """One line on standard error; nothing for an empty one."""
    if message:
        print(f"charmssr: {message}", file=sys.stderr)


class Console:
    """Tells a run's progress on standard error."""

    def __init__(self, arguments):
        self._arguments = arguments
        self._line = None
        self._position = ""

    def progress(self, task, position, seconds_left):
        """The line of a scan that is begun."""
        from ..remaining_time import spoken

        self.close()
        left = f", all: about {spoken(seconds_left)} left" if seconds_left else ""
        self._position = position
        self._line = ProgressLine(prefix=f"[{position}{left}] {task.outputs.key}  ")
        return self._line

    def ended(self, task, status, message):
        """Say what became of a scan."""
        self.close()
        position = f"[{self._position}] " if self._position else ""
        text = f"{status}: {message}" if message and status != "done" else f"{status} {message}".strip()
        print(f"{position}{task.outputs.key}  {text}", file=sys.stderr)
        self._position = ""

    def subject_done(self, subject):
        """Make the page of a subject whose scans are done."""
        if self._arguments.no_pages:
            return
        from ..bids.pages import write_subject_page

        try:
            write_subject_page(self._arguments.output, subject)
        except CHARMSSRError as error:  # the group level makes all pages anew
            say(f"The page of {subject} is left for the group level: {error}")

    def close(self):
        """End the line of a scan."""
        if self._line is not None:
            self._line.__exit__()
            self._line = None
