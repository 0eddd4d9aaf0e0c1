"""Draws the documentation's picture of the degradations from one prepared volume.

charmssr prepare DATA PREPARED
python -m CHARMSSRLab.documents.degradations_picture PREPARED/ds002748_sub-04_T1w_axial.npz Resources/degradations.png
"""

import argparse
from pathlib import Path

from ..comparison.degradation_figure import draw_degradations
from ..training.prepared import load_prepared


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared", type=Path, help="an .npz of charmssr prepare")
    parser.add_argument("picture", type=Path, help="PNG to write")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the noise and the draws (default: %(default)s)")
    arguments = parser.parse_args()
    draw_degradations(load_prepared(arguments.prepared), arguments.scale, arguments.picture, arguments.seed)


if __name__ == "__main__":
    main()
