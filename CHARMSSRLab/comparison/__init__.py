"""Scores, tables, the evaluation of checkpoints and the comparison of methods."""
