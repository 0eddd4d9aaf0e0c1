"""Why a worker did not start, or ended before it was done: in sentences for the user."""

import re

from slicer.i18n import tr as _

from ..errors import JobError, MissingPackage


def startFailure(exitCode, log):
    """Exception for a process that ended before it was ready."""
    missing = re.findall(r"No module named '(ncnn|torch|safetensors)[.']?", log)
    if missing:
        return MissingPackage(
            _("{package} is not installed in the Python of Slicer.").format(package=missing[-1]), missing[-1], log
        )
    return JobError(
        _("The worker process ended while it was starting (exit status {status}): see the details.").format(
            status=exitCode
        ),
        details=log,
    )


def startTimeout(seconds, log):
    """Exception for a process that says nothing after its start."""
    return JobError(
        _("The worker process did not answer within {seconds} seconds of its start: try again.").format(
            seconds=seconds
        ),
        details=log,
    )


def notRunnable(program, details):
    """Exception for a program that the system can't run."""
    return JobError(
        _("The worker process could not be started: {program} cannot be run.").format(program=program),
        details=details,
    )


def foreignProtocol():
    """Exception for a library of another version."""
    return JobError(_("The worker speaks another protocol than this module: reinstall the extension as a whole."))


def deathSentence(exitCode, crashed):
    """What to say of a process that ended amid a job."""
    if crashed or exitCode in (137, -9):
        return _(
            "The worker process was ended from outside, often because memory ran out: close other programs or choose "
            "a smaller batch, then press the button again."
        )
    return _(
        "The worker process ended before it was done (exit status {status}): press the button again to start it anew."
    ).format(status=exitCode)
