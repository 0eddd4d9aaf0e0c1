"""The network in its form for inference: folded and frozen."""
