"""Names for new nodes."""

import slicer


def freeName(name):
    """The name itself, or with the lowest number that no node of the scene has: "a", "a_1", "a_2".

    The scene's own ``GenerateUniqueName`` counts on from every name that it has given, also when its node was removed.
    """
    number, free = 0, name
    while slicer.mrmlScene.GetFirstNodeByName(free) is not None:
        number += 1
        free = f"{name}_{number}"
    return free
