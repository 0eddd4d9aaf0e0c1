"""The degradations by name: what each is, what it is for, which operator undoes it. Free of torch.

``degradations`` computes them. What a card says of a training comes from here, so that it cannot say what was not done.
"""

from dataclasses import dataclass

from CHARMSSRLib.errors import SettingsError


@dataclass(frozen=True)
class Degradation:
    """One way to make a fine slice coarse.

    Attributes:
        name: in configurations, tables and cards.
        title: of a checkpoint that was trained on it, as a phrase.
        purpose: what such a checkpoint is for, as a phrase.
        operator: the D of the data consistency of such a checkpoint, "bicubic" or "kspace".
        noisy: whether it adds noise, so that another seed gives another slice.
    """

    name: str
    title: str
    purpose: str
    operator: str
    noisy: bool


DEGRADATIONS = {
    one.name: one
    for one in (
        Degradation("bicubic", "bicubic downsampling", "the paper's protocol", "bicubic", noisy=False),
        Degradation(
            "kspace", "truncated k-space", "for scans whose k-space was cut, with little noise", "kspace", noisy=True
        ),
        Degradation(
            "blur", "Gaussian blur", "for scans blurred by a Gaussian of one coarse voxel", "bicubic", noisy=False
        ),
        # Scanners truncate k-space: for real scans that operator risks least (docs/studies/whole-volumes.md).
        Degradation("clinical", "mixed clinical degradations", "for routine scans", "kspace", noisy=True),
    )
}


def degradation(name):
    """The degradation of a name.

    Raises:
        SettingsError: there is none of that name.
    """
    if name not in DEGRADATIONS:
        raise SettingsError(f"Unknown degradation {name!r}; choose one of: {', '.join(DEGRADATIONS)}.")
    return DEGRADATIONS[name]
