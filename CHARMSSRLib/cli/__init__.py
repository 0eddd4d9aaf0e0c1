"""The command ``charmssr``: one small file per subcommand, nothing heavy imported before it is needed."""

from .entry import main

__all__ = ["main"]
