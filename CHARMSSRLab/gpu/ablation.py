"""Trains and scores the ablation ladder (or the depth or the stacking study); see study_in_parts.py.

python -m CHARMSSRLab.gpu.ablation --data TRAIN.pack --val VAL.pack --out FOLDER --study ablation
"""

from .study_in_parts import run

if __name__ == "__main__":
    run(("ablation", "depth", "stacking"))
