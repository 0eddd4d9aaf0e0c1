"""Subjects into training, validation and test: 70 : 20 : 10, the same for every method and contrast."""

import numpy as np

from CHARMSSRLib.errors import InputError

SHARES = {"train": 0.7, "val": 0.2, "test": 0.1}


def split_subjects(subjects, seed=0):
    """Assign every subject to a part.

    Args:
        subjects: labels, in any order: the result depends on the set of them and the seed alone.
        seed: of everything that is drawn.

    Returns:
        dict subject -> "train", "val" or "test", in the subjects' order; each part has at least one.

    Raises:
        InputError: fewer than three subjects.
    """
    subjects = sorted(set(subjects))
    if len(subjects) < 3:
        raise InputError(
            f"{len(subjects)} complete subject(s) cannot be split into training, validation and test: at least three"
            " are needed."
        )
    test = max(1, round(SHARES["test"] * len(subjects)))
    val = max(1, round(SHARES["val"] * len(subjects)))
    order = [subjects[i] for i in np.random.default_rng(seed).permutation(len(subjects))]
    parts = dict.fromkeys(order[:test], "test")
    parts.update(dict.fromkeys(order[test : test + val], "val"))
    return {one: parts.get(one, "train") for one in subjects}


def some_subjects(subjects, count, seed=0):
    """``count`` of the subjects (all for None), drawn by the seed, sorted."""
    subjects = sorted(set(subjects))
    if count is None or count >= len(subjects):
        return subjects
    return sorted(subjects[i] for i in np.random.default_rng(seed).permutation(len(subjects))[:count])
