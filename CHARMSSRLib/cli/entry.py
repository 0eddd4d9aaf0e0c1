"""Parses the command line, runs a subcommand and turns errors into one line and an exit status."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .. import __version__
from ..errors import Cancelled, CHARMSSRError

# Each names a file of this folder (dashes become underscores) with add_parser(subparsers), which sets
# the default "run": a function of the parsed arguments that returns the exit status (None for 0).
COMMANDS = ("enhance", "batch", "inspect", "bids", "fine-tune", "export", "checkpoints", "node", "worker")
# Other packages add commands by this group of entry points: a name, and a module with add_parser.
GROUP = "charmssr.commands"

# Which extra brings a package that is imported only where it is needed.
EXTRAS = {
    "torch": "torch",
    "matplotlib": "lab",
    "pydicom": "dicom",
    "pynetdicom": "dicom",
    "highdicom": "dicom",
    "PIL": "bids",
    "jinja2": "bids",
    "onnx": "export",
    "onnxruntime": "export",
}

DONE, UNEXPECTED, BAD_INPUT, CANCELLED = 0, 1, 2, 130

_DESCRIPTION = "Super-resolution of brain MRI with the CHARMS network."
_EPILOG = """\
examples:
  charmssr enhance scan.nii.gz enhanced.nii.gz
  charmssr enhance DICOM_FOLDER enhanced.nrrd --report report.json
  charmssr enhance DICOM_FOLDER ENHANCED_FOLDER/
  charmssr batch SCANS_FOLDER RESULTS_FOLDER
  charmssr inspect scan.nii.gz
  charmssr fine-tune pairs.csv my-7t
  charmssr checkpoints
  charmssr node --forward PACS@host:104

exit status: 0 done; 2 bad input or usage (one line says what and why); 130 cancelled.
Nothing is written unless the work is complete.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, in the words of all other errors."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see: {self.prog} --help)")
        self.exit(BAD_INPUT)


def own_commands() -> dict[str, str]:
    """The user's commands: dict of name -> module."""
    return {name: f"{__package__}.{name.replace('-', '_')}" for name in COMMANDS}


def installed_commands() -> dict[str, str]:
    """Commands that other installed packages add, the laboratory's among them: dict of name -> module."""
    from importlib.metadata import entry_points

    found = entry_points()
    points = found.select(group=GROUP) if hasattr(found, "select") else found.get(GROUP, ())  # Python 3.9
    return {point.name: point.value for point in points}


def build_parser(commands: dict[str, str] | None = None) -> Parser:
    """The parser of the whole command line.

    Args:
        commands: dict of name -> module with ``add_parser``; the user's and the installed ones by default.
    """
    commands = {**installed_commands(), **own_commands()} if commands is None else commands
    parser = Parser(
        prog="charmssr",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"charmssr {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("--verbose", action="store_true", help="also say what is done, with times, on standard error")
    loudness.add_argument("-q", "--quiet", action="store_true", help="no progress, no warnings; errors only")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for module in commands.values():
        import_module(module).add_parser(subparsers)
    for subparser in subparsers.choices.values():
        for flags in (("--debug",), ("--verbose",), ("-q", "--quiet")):
            subparser.add_argument(*flags, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None, commands: dict[str, str] | None = None) -> int:
    """Run ``charmssr``.

    Args:
        arguments: list of texts; the command line's by default.
        commands: further commands: dict of name -> module. By default those that other packages
            add, which are not even looked for when one of the user's own is called.

    Returns:
        The exit status.
    """
    print_what_can_be_printed()
    words = sys.argv[1:] if arguments is None else arguments
    if commands is None:
        commands = {} if {*COMMANDS, "--version"} & set(words) else installed_commands()
    parser = build_parser({**own_commands(), **commands})
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else DONE
    if parsed.command is None:
        parser.print_help()
        return BAD_INPUT
    configure_logging(parsed.verbose, parsed.quiet)
    try:
        with warnings.catch_warnings():
            if not parsed.debug:
                warnings.simplefilter("ignore")  # libraries' hints to programmers
            return parsed.run(parsed) or DONE
    except (KeyboardInterrupt, Cancelled):
        _say("cancelled; nothing was written.")
        return CANCELLED
    except CHARMSSRError as error:
        _show_traceback(parsed)
        _complain(error)
        return BAD_INPUT
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        _show_traceback(parsed)
        _complain(f"this needs {error.name}, which is not installed: pip install 'charmssr[{EXTRAS[error.name]}]'")
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; whatever Python still flushes goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:  # a path that the system does not take
            _show_traceback(parsed)
            _complain(f"{_shortened(error.filename)}: {error.strerror}; check this path.")
            return BAD_INPUT
        if _show_traceback(parsed):
            hint = ""
        else:
            hint = " (unexpected; please report it with what --debug shows)"
        what = "the memory is exhausted" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
        _complain(f"{what}{hint}")
        return UNEXPECTED


def configure_logging(verbose: bool = False, quiet: bool = False) -> None:
    """What the library and the laboratory log goes to standard error: warnings, everything, or errors only."""
    level = logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s" if verbose else "charmssr: %(message)s"))
    for name in ("CHARMSSRLib", "CHARMSSRLab"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)


def print_what_can_be_printed() -> None:
    """Let a console that cannot show a file's name show its letters' numbers instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")


def _show_traceback(parsed):
    if parsed.debug:
        traceback.print_exc()
    return parsed.debug


def _shortened(name, most=200):
    text = os.fsdecode(name) if isinstance(name, bytes) else str(name)
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-most // 2 :]}"


def _complain(message):
    _say(f"error: {message}")


def _say(message):
    print(f"charmssr: {' '.join(str(message).split())}", file=sys.stderr, flush=True)
