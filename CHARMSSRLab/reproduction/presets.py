"""How long and how the methods of Tables 2-4 are trained."""

from dataclasses import replace
from pathlib import Path

from CHARMSSRLib.errors import SettingsError

from ..training.config import TrainingConfig

RECIPES = Path(__file__).resolve().parent.parent / "training" / "recipes"
PRESETS = ("paper", "gpu", "cpu")
CPU = {"steps": 1500, "batch": 4, "learning_rate": 4e-4, "schedule": "onecycle", "save_every": 100}
CPU_PATCH = {2: 32, 4: 24}


def training_config(preset, key, scale, device, steps=None, seed=0):
    """The configuration that all methods of a table share.

    Args:
        preset: "paper" (100,000 steps of 16 patches of 48 x 48, cosine from 1e-4), "gpu" (the recipe
            of the comparison study), "cpu" (1,500 small steps), or "auto" by the device.
        key: of the data set.
        scale: 2 or 4.
        device: torch device.
        steps: instead of the preset's.
        seed: of everything that is drawn.

    Returns:
        TrainingConfig with bicubic degradation and min-max intensities, as in the paper.
    """
    if preset == "auto":
        preset = "cpu" if device.type == "cpu" else "gpu"
    if preset == "gpu":
        config = TrainingConfig.read(RECIPES / f"study-x{scale}.gpu.json")
    elif preset == "cpu":
        config = replace(TrainingConfig(key), patch=CPU_PATCH[scale], **CPU)
    elif preset == "paper":
        config = TrainingConfig(key)
    else:
        raise SettingsError(f"Unknown preset {preset!r}; choose one of: auto, {', '.join(PRESETS)}.")
    if device.type == "cpu":
        config = replace(config, precision="float32", workers=0)
    steps = steps or config.steps
    # The log is for the eye: three looks are enough, on few slices, since the tables come from the test part.
    return replace(
        config, name=f"{key}-x{scale}", scale=scale, degradation="bicubic", normalisation="minmax", seed=seed,
        steps=steps, validate_every=max(1, steps // 3), save_every=min(config.save_every, steps), validation_slices=2,
    )  # fmt: skip
