"""Options that several commands of the laboratory share."""

from pathlib import Path

from CHARMSSRLib.settings import DEVICE_METAVAR


def add_volume_options(parser):
    """Which volumes are scored, and which of their slices."""
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR",
        type=Path,
        help="folder made by 'charmssr prepare', or one with a manifest.csv and its volumes",
    )
    parser.add_argument("--split", default="val", help="rows of the manifest (default: %(default)s)")
    parser.add_argument("--contrast", help="only this contrast, for example T1w")
    parser.add_argument("--slices", type=int, metavar="N", help="only the central N slices of each volume")
    parser.add_argument(
        "--first-plane", action="store_true", help="of volumes sliced along three axes only the first, axial"
    )


def add_device_option(parser):
    """Where the laboratory computes, by torch."""
    parser.add_argument("--device", default="auto", metavar=DEVICE_METAVAR, help="where to compute (default: auto)")
