"""Why a pair of scans can't be used for fine-tuning, in a sentence; and what is odd about it, but no obstacle.

Only what the nodes show at once: how well the two scans fit is the worker's to find out, when it registers them.
"""

import numpy as np
import slicer
from slicer.i18n import tr as _

from .geometry import ijkToWorldOfNode, isSheared, worldFromLocalOfNode
from .input_checks import reasonAgainstNode, reasonAgainstTransform


def reasonAgainstPair(pair, others=()):
    """Reason not to use a ScanPair; ``others`` are the other pairs of the list."""
    if pair.image3T is None:
        return _("Choose the 3T scan.")
    if pair.image7T is None:
        return _("Choose the 7T scan of the same person.")
    if pair.image3T is pair.image7T:
        return _("{name} is chosen as both scans: choose the 7T scan of the same person.").format(
            name=pair.image3T.GetName()
        )
    for node in (pair.image3T, pair.image7T):
        reason = reasonAgainstNode(node) or _reasonAgainstPlace(node)
        if reason:
            return reason
    return (
        _reasonAgainstRepetition(pair, others)
        or _reasonAgainstSizes(pair)
        or _reasonAgainstMask(pair)
        or _reasonAgainstCopies(pair)
    )


def hintsAboutPair(pair):
    """What looks odd about a pair that can be used: a list of sentences."""
    from CHARMSSRLib.fine_tuning.pairs.pair_checks import contrast_warnings

    hints = contrast_warnings(pair.completed().contrast, pair.image3T.GetName(), pair.image7T.GetName())
    if not _overlap(pair.image3T, pair.image7T):
        hints.append(_("The two scans lie apart in the scene: the registration has to bring them together."))
    return hints


def _reasonAgainstPlace(node):
    """The scan is sent where it stands in the scene: its parent transform must keep right angles."""
    if isSheared(ijkToWorldOfNode(node)):
        return _("The transform of {name} shears it: use a rigid one, or harden it and resample the volume.").format(
            name=node.GetName()
        )
    lengths = np.linalg.norm(worldFromLocalOfNode(node)[:3, :3], axis=0)
    if np.any(np.abs(lengths - 1) > 0.2):
        return _("The transform of {name} enlarges or shrinks it: use a rigid one.").format(name=node.GetName())
    return ""


def _reasonAgainstRepetition(pair, others):
    for other in others:
        for field in ("image3T", "image7T"):
            node = getattr(pair, field)
            if node is other.image3T or node is other.image7T:
                return _("{name} stands in another pair already: use each scan once.").format(name=node.GetName())
    return ""


def _reasonAgainstSizes(pair):
    from CHARMSSRLib.fine_tuning.pairs.pair_checks import swap_suspicion

    reason = swap_suspicion(pair.image3T.GetSpacing(), pair.image7T.GetSpacing())
    return reason[:1].upper() + reason[1:]


def _reasonAgainstMask(pair):
    mask = pair.mask3T
    if mask is None:
        return ""
    if mask in (pair.image3T, pair.image7T):
        return _("{name} is chosen as scan and as mask: choose another mask, or none.").format(name=mask.GetName())
    return reasonAgainstTransform(mask)


def _reasonAgainstCopies(pair):
    """One image under two names teaches nothing; a look at the voxels, where the sizes are equal."""
    first, second = (slicer.util.arrayFromVolume(node) for node in (pair.image3T, pair.image7T))
    if first.shape == second.shape and np.array_equal(first, second):
        return _("{first} and {second} hold the same image: choose a 3T and a 7T scan.").format(
            first=pair.image3T.GetName(), second=pair.image7T.GetName()
        )
    return ""


def _overlap(first, second):
    """Whether the boxes around two volumes meet, parent transforms included."""
    boxes = []
    for node in (first, second):
        bounds = [0.0] * 6
        node.GetRASBounds(bounds)
        boxes.append(np.reshape(bounds, (3, 2)))
    return bool(np.all(boxes[0][:, 0] <= boxes[1][:, 1]) and np.all(boxes[1][:, 0] <= boxes[0][:, 1]))
