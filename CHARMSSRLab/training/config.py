"""What a training run is: one JSON file, one frozen dataclass."""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Optional

from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.settings import CHECKPOINT_NAME, NO_CHECKPOINT_NAME
from CHARMSSRLib.settings_table import Settings, setting

from ..methods.registry import METHODS
from .degradation_list import DEGRADATIONS
from .synthetic_lesions import LESION_KINDS


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """A training run. Defaults are the paper's protocol (section 3.7) at x2.

    Attributes:
        name: of the resulting checkpoint.
        method: "charms" or a compared method of ``methods.registry``.
        arguments: further arguments of CHARMS (ladder, depth) or of ``build_method`` (image_skip).
        scale, degradation, normalisation: see ``dataset``.
        gain_jitter, keep_noise, remove_noise, noise_alone, noise_scaled, noise_masked,
            noise_from_kspace, coarse_pixels, lesions, lesion_kind, lesions_cut, even_tissue, stripped, anywhere: see
            ``dataset.Augmentation``.
        steps, batch, patch: optimiser steps, patches per step, LR patch size.
        learning_rate, final_learning_rate: of the cosine decay.
        schedule: "cosine" (the paper) or "onecycle" (short budgets: warm-up over a tenth
            of the steps, then cosine).
        gradient_clip: largest norm of the gradient; 0 for no bound.
        ar_weight: weight of L_AR; 0 leaves it out. Only CHARMS has it.
        ssim_weight: weight of 1 - SSIM beside L1 (``losses.difference``).
        steadiness: weight of what becomes of weak noise among the anatomy (``steadiness``).
        slopes: weight of what steep edges lack of their targets' slope (``steadiness``).
        ema_decay: of the exponential moving average of the weights, 0 for none. The average
            is kept at the end if it validates better.
        initial: checkpoint to start from, or None.
        precision: "float32" or "bfloat16" (autocast; norms and softmax stay float32).
        channels_last, compile: how the network runs.
        cuda_graph: on a CUDA card a step is recorded once and replayed (``graphed_step``).
        workers: loader processes; 0 loads in the training process.
        validate_every, save_every: steps.
        validation_slices: slices per validation volume, spread evenly.
        seed: of weights, patches, degradations.
    """

    name: str
    method: str = setting("charms", "method of the comparison", choices=tuple(METHODS))
    arguments: dict = field(default_factory=dict)
    scale: int = setting(2, "enlargement", choices=(2, 4))
    degradation: str = setting("bicubic", "how slices are made coarse", choices=tuple(DEGRADATIONS))
    normalisation: str = setting("minmax", "intensity scale", choices=("minmax", "percentile"))
    gain_jitter: float = setting(0.0, "share", least=0, most=1)
    keep_noise: bool = setting(False, "targets keep the noise")
    remove_noise: bool = setting(False, "targets without the noise")
    noise_alone: float = setting(0.06, "share of samples", least=0, most=1)
    noise_scaled: bool = setting(False, "noise alone as a volume of noise is scaled")
    noise_masked: bool = setting(False, "noise alone inside the brain's shape")
    noise_from_kspace: bool = setting(False, "noise as k-space colours it")
    coarse_pixels: float = setting(0.0, "share of samples", least=0, most=1)
    lesions: float = setting(0.0, "share of samples", least=0, most=1)
    lesion_kind: str = setting("mixed", "made-up lesions", choices=tuple(LESION_KINDS))
    lesions_cut: bool = setting(False, "lesions cut at any height")
    even_tissue: float = setting(0.0, "share of samples", least=0, most=1)
    stripped: float = setting(0.0, "share of samples", least=0, most=1)
    anywhere: float = setting(0.0, "share of samples", least=0, most=1)
    steps: int = setting(100_000, "optimiser steps", least=1)
    batch: int = setting(16, "patches per step", least=1)
    patch: int = setting(48, "size of a coarse patch", least=1)
    learning_rate: float = setting(1e-4, "highest rate", least=0, most=1)
    final_learning_rate: float = setting(1e-6, "last rate", least=0, most=1)
    schedule: str = setting("cosine", "of the rate", choices=("cosine", "onecycle"))
    gradient_clip: float = setting(1.0, "largest norm", least=0)
    ar_weight: float = setting(0.005, "weight of L_AR", least=0)
    ssim_weight: float = setting(0.0, "weight of 1 - SSIM", least=0)
    steadiness: float = setting(0.0, "weight of what becomes of weak noise", least=0)
    slopes: float = setting(0.0, "weight of the slope that edges lack", least=0)
    ema_decay: float = setting(0.0, "of the average", least=0, most=1)
    initial: Optional[str] = setting(None, "checkpoint to start from")
    precision: str = setting("float32", "number format", choices=("float32", "bfloat16"))
    channels_last: bool = setting(True, "memory layout")
    compile: bool = setting(False, "by torch.compile")
    cuda_graph: bool = setting(False, "recorded steps")
    workers: int = setting(0, "loader processes", least=0)
    validate_every: int = setting(1000, "steps", least=1)
    save_every: int = setting(200, "steps", least=1)
    validation_slices: int = setting(6, "per volume", least=1)
    seed: int = setting(0, "of everything random", least=0)

    def __post_init__(self):
        if not isinstance(self.name, str) or not isinstance(self.arguments, dict):
            raise SettingsError("A training configuration's name is a text and its arguments are a mapping.")
        if not re.fullmatch(CHECKPOINT_NAME, self.name):
            raise SettingsError(NO_CHECKPOINT_NAME.format(value=repr(self.name)))
        super().__post_init__()
        from CHARMSSRLib.measures.fidelity import RADIUS  # scipy is not needed to know the names

        if self.ssim_weight and self.patch * self.scale <= 2 * RADIUS:
            raise SettingsError(
                f"With ssim_weight patch times scale must be more than {2 * RADIUS} pixels, the reach of SSIM's window;"
                " enlarge patch."
            )

    @classmethod
    def read(cls, path):
        """Read a JSON file; unknown keys are refused.

        Raises:
            SettingsError: when the file cannot be read or a key is unknown or missing, or a value is impossible.
        """
        try:
            with open(path, encoding="utf-8") as file:
                values = json.load(file)
        except (OSError, ValueError) as error:
            raise SettingsError(f"Cannot read the training configuration {path}: {error}.") from error
        try:
            return cls.from_dict(values)
        except SettingsError as error:
            raise SettingsError(f"The training configuration {path} cannot be used: {error}") from error

    def to_dict(self):
        return asdict(self)
