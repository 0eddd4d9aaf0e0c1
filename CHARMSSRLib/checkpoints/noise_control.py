"""How much noise a checkpoint takes away: between two sets of weights of one network, by a share from 0 to 100 %.

Both sets were tuned from one parent, so that what lies between them on the straight line does the job too. The sum
is made when the weights are loaded: it costs nothing while slices are enhanced, with any engine.
"""

from __future__ import annotations

from ..errors import SettingsError
from ..settings import AUTOMATIC


def share_of(card: dict, denoise: str) -> int:
    """The share in percent that a setting means for a checkpoint.

    Args:
        card: model card; "noise_control" names the quiet weights ("weights", "sha256") and the "default" share.
        denoise: "auto" for the card's own (from which ``enhancement.noise_choice`` goes on), or a whole
            number from 0 to 100 as text.

    Raises:
        SettingsError: the checkpoint has one set of weights only and noise shall be taken away.
    """
    control = card.get("noise_control")
    if denoise == AUTOMATIC:
        return int(control["default"]) if control else 0
    share = int(denoise)
    if share and not control:
        raise SettingsError(
            f"The checkpoint {card['name']} cannot take noise away: leave the noise setting at 0 or auto,"
            " or choose charms-x2-clinical or charms-x4-clinical."
        )
    return share
