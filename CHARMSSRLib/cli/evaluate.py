"""``charmssr evaluate``: score a checkpoint against bicubic interpolation on high-resolution volumes."""

import sys

DEGRADATIONS = ("bicubic", "kspace", "blur", "clinical")


def add_parser(subparsers):
    """Add the subcommand to the parser of ``charmssr``."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a checkpoint on high-resolution volumes",
        description="Degrades the slices of high-resolution volumes, enlarges them with a checkpoint and with bicubic"
        " interpolation, and compares both with the volumes.",
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="name of a checkpoint, or the path of its weights")
    parser.add_argument(
        "--data", required=True, metavar="DIR", help="folder with a manifest.csv, or one made by 'charmssr prepare'"
    )
    parser.add_argument("--split", default="val", help="which rows of the manifest (default: val)")
    parser.add_argument("--contrast", help="only this contrast, for example T1w")
    parser.add_argument(
        "--degradation",
        nargs="+",
        default=["bicubic"],
        choices=DEGRADATIONS,
        metavar="NAME",
        help=f"one or more of {', '.join(DEGRADATIONS)} (default: bicubic)",
    )
    parser.add_argument("--slices", type=int, metavar="N", help="only the central N slices of each volume")
    parser.add_argument("--skull-strip", default="auto", help="backend for volumes that are not stripped yet")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or mps (default: cpu)")
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="table to write: .md for Markdown, else CSV; may be given more than once. Without it Markdown is printed",
    )
    parser.set_defaults(run=run)


def run(args):
    """Run the subcommand; returns the exit status."""
    from ..checkpoint import load_checkpoint
    from ..evaluation.protocol import BASELINE, candidate_of, score_prepared
    from ..evaluation.tables import markdown, write_table
    from ..evaluation.volumes import prepared_volumes

    checkpoint = load_checkpoint(args.checkpoint, args.device)
    candidates = [BASELINE, candidate_of(checkpoint)]
    scale = checkpoint.card["scale"]
    rows = []
    for volume in prepared_volumes(args.data, args.split, args.contrast, args.skull_strip, _show_progress):
        for degradation in args.degradation:
            rows += score_prepared(volume, candidates, degradation, scale, args.slices, args.device)
    title = f"{checkpoint.card['name']} on the {args.split} volumes"
    for path in args.output:
        write_table(rows, path, title)
    if not args.output:
        print(markdown(rows, title))
    return 0


def _show_progress(fraction, message):
    print(f"{fraction:4.0%} {message}", file=sys.stderr)
