"""The commands of the laboratory: a file per command, beside the user's in one command line."""

from CHARMSSRLib.cli import entry

# Declared once more in pyproject.toml as entry points, so that an installed ``charmssr`` finds them.
COMMANDS = ("prepare", "train", "evaluate", "compare", "reproduce", "benchmark")


def modules():
    """Dict of name -> module."""
    return {name: f"{__package__}.{name}" for name in COMMANDS}


def build_parser():
    """The parser of the whole command line."""
    return entry.build_parser({**entry.own_commands(), **modules()})


def main(arguments=None):
    """``charmssr`` with the laboratory's commands, installed or not; returns the exit status."""
    return entry.main(arguments, modules())
