"""``charmssr worker``: the process that the Slicer panel talks to."""

from .command import new_command


def add_parser(subparsers):
    """Register the subcommand."""
    new_command(
        subparsers,
        "worker",
        run,
        help="serve the Slicer panel (messages on standard input and output)",
        description="Wait for jobs on standard input, one JSON message per line, and answer on standard output. "
        "Started by the Slicer module; ends with its input, or after ten idle minutes.",
    )


def run(arguments):
    """Run the subcommand."""
    from ..worker.server import serve

    return serve()
