"""Trains and scores all compared methods with the same budget; see study_in_parts.py.

python -m CHARMSSRLab.gpu.compare_methods --data TRAIN.pack --val VAL.pack --out FOLDER --scale 2
"""

from .study_in_parts import run

if __name__ == "__main__":
    run("methods")
