"""What is compared with what: the methods, the ablation ladder, the depth and the stacking study."""

from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Optional

from CHARMSSRLib.errors import SettingsError

from ..methods.registry import METHODS
from ..training.config import TrainingConfig


@dataclass(frozen=True)
class Entry:
    """One network of a study.

    Attributes:
        name: on the command line. title: in the tables.
        method: name in the registry of methods.
        arguments: of CHARMS' constructor, beside the scale.
        regularised: whether the attention regularisation is on; None leaves it to the configuration.
    """

    name: str
    title: str
    method: str = "charms"
    arguments: dict = field(default_factory=dict)
    regularised: Optional[bool] = None

    def configure(self, base):
        """The training configuration of this entry: ``base``, but for what makes the entry."""
        return replace(
            base,
            name=f"{base.name}-{self.run(base)}",
            method=self.method,
            arguments=self._own_arguments(),
            ar_weight=self._ar_weight(base),
        )

    def run(self, base):
        """Name of the training run: CHARMS itself is the same network in every study, and is trained once."""
        is_charms = self.method == "charms" and not self._own_arguments() and self._ar_weight(base) == base.ar_weight
        return "charms" if is_charms else self.name

    def _ar_weight(self, base):
        if self.regularised is None:
            return base.ar_weight
        return (base.ar_weight or TrainingConfig(base.name).ar_weight) if self.regularised else 0.0

    def _own_arguments(self):
        if self.method != "charms":
            return self.arguments
        from CHARMSSRLib.network.charms import CHARMS

        defaults = {name: one.default for name, one in signature(CHARMS).parameters.items()}
        return {name: value for name, value in self.arguments.items() if value != defaults[name]}


def _rung(name, title, *parts, **more):
    switches = ("channel_shuffle", "pixel_channel_attention", "transformer", "refinement")
    return Entry(name, title, arguments={switch: switch in parts for switch in switches}, **more)


_SHUFFLE, _PCA, _TRANSFORMER, _HFIR = "channel_shuffle", "pixel_channel_attention", "transformer", "refinement"

ABLATION = (
    _rung("baseline", "Baseline"),
    _rung("shuffle", "+ channel shuffle", _SHUFFLE),
    _rung("pca", "+ PCA", _SHUFFLE, _PCA),
    _rung("transformer", "+ Transformer", _SHUFFLE, _PCA, _TRANSFORMER),
    _rung("full-without-ar", "full (+ HFIR), without L_AR", _SHUFFLE, _PCA, _TRANSFORMER, _HFIR, regularised=False),
    _rung("full-with-ar", "full, with L_AR", _SHUFFLE, _PCA, _TRANSFORMER, _HFIR, regularised=True),
)
# The two axes of the paper's Fig. 6, crossing at the chosen 4 blocks of 4 units.
DEPTH = tuple(
    Entry(f"depth-{blocks}x{units}", f"{blocks} blocks x {units} units", arguments={"blocks": blocks, "units": units})
    for blocks, units in ((2, 4), (3, 4), (4, 4), (5, 4), (6, 4), (4, 2), (4, 3), (4, 5), (4, 6))
)
STACKING = tuple(
    Entry(f"transformers-{n}", f"{n} Transformer{'s' if n > 1 else ''}", arguments={"transformers": n})
    for n in (1, 2, 3)
)
# Without CHARMS's image skip. Bicubic and CHARMS have one form; their weights are those of the study of methods.
AS_PUBLISHED = tuple(
    Entry(name, method.title, name)
    if name in ("bicubic", "charms")
    else Entry(f"{name}-as-published", f"{method.title}, as published", name, {"image_skip": False})
    for name, method in METHODS.items()
)
STUDIES = {
    "methods": tuple(Entry(name, method.title, name) for name, method in METHODS.items()),
    "methods-as-published": AS_PUBLISHED,
    "ablation": ABLATION,
    "depth": DEPTH,
    "stacking": STACKING,
}


def entries_of(study, names=None):
    """Entries of a study, all or those named, in the study's order.

    Raises:
        SettingsError: for an unknown study or name.
    """
    if study not in STUDIES:
        raise SettingsError(f"Unknown study {study!r}; choose one of: {', '.join(STUDIES)}.")
    entries = STUDIES[study]
    known = [entry.name for entry in entries]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise SettingsError(f"The study {study!r} has no entry {unknown[0]!r}; choose from: {', '.join(known)}.")
    return [entry for entry in entries if not names or entry.name in names]


def check_base(config):
    """Refuse a configuration whose own method or arguments a study would silently replace."""
    default = TrainingConfig(config.name)
    if config.method != default.method or config.arguments:
        raise SettingsError("The configuration of a study names no method and no arguments; the study sets both.")
