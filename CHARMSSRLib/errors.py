"""Every error that a user can cause.

Each message is one or two plain sentences: what is wrong, and what to do.
The command line prints it after ``charmssr: error:`` and exits with status 2;
the panel shows it; neither shows a traceback.
"""


class CHARMSSRError(Exception):
    """Base of all errors that a user can cause and mend."""


class InputError(CHARMSSRError):
    """The input volume (or mask) cannot be read or cannot be enhanced."""


class SettingsError(CHARMSSRError):
    """A setting has a value that does not exist or cannot be honoured here."""


class CheckpointError(CHARMSSRError):
    """A checkpoint is missing, damaged, or of another architecture."""


class OutputError(CHARMSSRError):
    """The result cannot be written."""


class BackendError(CHARMSSRError):
    """An optional tool (a skull-strip backend, a device) is missing or failed."""


class WorkerError(CHARMSSRError):
    """The worker process could not be started, or ended before it was done."""


class PairError(CHARMSSRError):
    """A 3T/7T pair, or a list of pairs, cannot be used for fine-tuning."""


class Cancelled(CHARMSSRError):
    """The user cancelled; nothing was left behind."""

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)
