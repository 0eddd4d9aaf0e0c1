"""How every command is registered."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def new_command(
    subparsers: argparse._SubParsersAction,
    name: str,
    run: Callable,
    help: str,
    description: str,
    epilog: str | None = None,
    **options: Any,
) -> argparse.ArgumentParser:
    """A parser for a command, to which it adds its arguments.

    Args:
        subparsers: of the whole command line.
        name: what the user types.
        run: function of the parsed arguments that returns the exit status, or None for 0.
        help: a phrase, for the list of commands.
        description: what it does; where there is an epilog or several lines, shown line by line as it stands.
        epilog: examples and remarks below the options.
        options: further ones of ``argparse.ArgumentParser``.
    """
    as_it_stands = epilog is not None or "\n" in description
    formatter = argparse.RawDescriptionHelpFormatter if as_it_stands else argparse.HelpFormatter
    parser = subparsers.add_parser(
        name,
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=formatter,
        allow_abbrev=False,
        **options,
    )
    parser.set_defaults(run=run)
    return parser
