"""``charmssr worker``: the process that the Slicer panel talks to."""


def add_parser(subparsers):
    """Register the subcommand."""
    parser = subparsers.add_parser(
        "worker",
        help="serve the Slicer panel (messages on standard input and output)",
        description="Wait for jobs on standard input, one JSON message per line, and answer on standard output. "
        "Started by the Slicer module; ends with its input, or after ten idle minutes.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)


def run(arguments):
    """Run the subcommand."""
    from ..worker.server import serve

    return serve()
