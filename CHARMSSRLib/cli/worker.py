"""``charmssr worker``: the process that the Slicer panel talks to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import new_command

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    new_command(
        subparsers,
        "worker",
        run,
        help="serve the Slicer panel (messages on standard input and output)",
        description="Wait for jobs on standard input, one JSON message per line, and answer on standard output. "
        "Started by the Slicer module; ends with its input, or after ten idle minutes.",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand."""
    from ..worker.server import serve

    return serve()
