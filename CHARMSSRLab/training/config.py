"""What a training run is: one JSON file, one frozen dataclass."""

import json
from dataclasses import asdict, dataclass, field, fields

from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.measures.fidelity import RADIUS

from .synthetic_lesions import KINDS


@dataclass(frozen=True)
class TrainingConfig:
    """A training run. Defaults are the paper's protocol (section 3.7) at x2.

    Attributes:
        name: of the resulting checkpoint.
        method: "charms" or a comparison method of ``comparison.registry``.
        arguments: further arguments of CHARMS (ladder, depth) or of ``build_method`` (image_skip).
        scale, degradation, normalisation: see ``dataset``.
        gain_jitter, keep_noise, remove_noise, noise_alone, noise_scaled, noise_masked, coarse_pixels, lesions,
            lesion_kind, lesions_cut, even_tissue, stripped, anywhere: see ``dataset.Augmentation``.
        steps, batch, patch: optimiser steps, patches per step, LR patch size.
        learning_rate, final_learning_rate: of the cosine decay.
        schedule: "cosine" (the paper) or "onecycle" (short budgets: warm-up over a tenth
            of the steps, then cosine).
        gradient_clip: largest norm of the gradient; 0 for no bound.
        ar_weight: weight of L_AR; 0 leaves it out. Only CHARMS has it.
        ssim_weight: weight of 1 - SSIM beside L1 (``losses.difference``).
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
    method: str = "charms"
    arguments: dict = field(default_factory=dict)
    scale: int = 2
    degradation: str = "bicubic"
    normalisation: str = "minmax"
    gain_jitter: float = 0.0
    keep_noise: bool = False
    remove_noise: bool = False
    noise_alone: float = 0.06
    noise_scaled: bool = False
    noise_masked: bool = False
    coarse_pixels: float = 0.0
    lesions: float = 0.0
    lesion_kind: str = "mixed"
    lesions_cut: bool = False
    even_tissue: float = 0.0
    stripped: float = 0.0
    anywhere: float = 0.0
    steps: int = 100_000
    batch: int = 16
    patch: int = 48
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-6
    schedule: str = "cosine"
    gradient_clip: float = 1.0
    ar_weight: float = 0.005
    ssim_weight: float = 0.0
    ema_decay: float = 0.0
    initial: str = None
    precision: str = "float32"
    channels_last: bool = True
    compile: bool = False
    cuda_graph: bool = False
    workers: int = 0
    validate_every: int = 1000
    save_every: int = 200
    validation_slices: int = 6
    seed: int = 0

    @classmethod
    def read(cls, path):
        """Read a JSON file; unknown keys are refused.

        Raises:
            SettingsError: when the file cannot be read or a key is unknown or missing.
        """
        try:
            with open(path, encoding="utf-8") as file:
                values = json.load(file)
        except (OSError, ValueError) as error:
            raise SettingsError(f"Cannot read the training configuration {path}: {error}.") from error
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown or "name" not in values:
            problem = f"unknown key {min(unknown)!r}" if unknown else "the key 'name' is missing"
            raise SettingsError(f"The training configuration {path} cannot be used: {problem}.")
        config = cls(**values)
        if config.lesion_kind not in KINDS:
            raise SettingsError(
                f"The training configuration {path} cannot be used: there is no lesion kind"
                f" {config.lesion_kind!r}; choose {' or '.join(KINDS)}."
            )
        if config.ssim_weight and config.patch * config.scale <= 2 * RADIUS:
            raise SettingsError(
                f"The training configuration {path} cannot be used: with ssim_weight patch times scale"
                f" must be more than {2 * RADIUS} pixels, the reach of SSIM's window; enlarge patch."
            )
        return config

    def to_dict(self):
        return asdict(self)
