"""What ends a job early."""

import re

from slicer.i18n import tr as _


class JobError(RuntimeError):
    """A job ended without a result through no fault of the input.

    Attributes:
        kind: short name, "WorkerError", "InternalError", "OutputError", ...
        details: what a developer wants to see (traceback, last lines of the worker), possibly empty.
    """

    def __init__(self, message, kind="WorkerError", details=""):
        super().__init__(message)
        self.kind = kind
        self.details = details


class JobCancelled(JobError):
    """The user cancelled, or the scene was closed."""

    def __init__(self, message):
        super().__init__(message, kind="Cancelled")


class MissingPackage(JobError):
    """The worker's Python lacks a package (ncnn, safetensors)."""

    def __init__(self, message, package, details=""):
        super().__init__(message, kind="MissingPackage", details=details)
        self.package = package


# Kinds of errors that the worker reports and that the user can mend by choosing another input or setting.
USER_KINDS = ("InputError", "SettingsError", "CheckpointError", "BackendError", "PairError")


def exceptionFor(kind, message, details=""):
    """Exception for an error message of the worker: ValueError for what the user can mend."""
    if kind in USER_KINDS:
        return ValueError(message)
    if kind == "Cancelled":
        return JobCancelled(_("Cancelled: nothing was added."))
    if kind == "MissingPackage":
        named = re.search(r"'([\w.]+)'", message)
        return MissingPackage(message, named.group(1) if named else "ncnn", details)
    return JobError(message, kind, details)
