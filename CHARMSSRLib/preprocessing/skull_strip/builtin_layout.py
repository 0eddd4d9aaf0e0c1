"""The shape of the built-in skull-strip's network; free of torch."""

CHANNELS = (16, 32, 48, 64, 64)  # features per level, finest first
# Sizes must be divisible by this: one halving per level below the first.
SIZE_MULTIPLE = 2 ** (len(CHANNELS) - 1)
SLOPE = 0.1  # of the leaky rectifiers
NORM_EPSILON = 1e-5
