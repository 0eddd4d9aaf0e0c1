"""How much of the network's work is done after so many slices, which differ in size from plane to plane."""

from collections.abc import Sequence


def share_of_work(parts: Sequence[tuple[int, int]], done: int) -> float:
    """Share (0 to 1) of the pixels that are enhanced once ``done`` slices are.

    Args:
        parts: for each run of equal slices, in their order: (how many, pixels of one).
        done: slices that are done, of all parts together.
    """
    whole = sum(count * pixels for count, pixels in parts)
    pixels_done = 0
    for count, pixels in parts:
        pixels_done += min(done, count) * pixels
        done = max(0, done - count)
    return pixels_done / whole if whole else 1.0
