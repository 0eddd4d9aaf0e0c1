"""One slice under every degradation of training and evaluation, for the documentation."""

import numpy as np
import torch

from CHARMSSRLib.grids.resize import bicubic_upsample

from ..plots import new_figure, save_figure
from ..training.degradations import FUNCTIONS, clinical, degrade, draw_clinical
from ..training.validation import crop_to_multiple
from .protocol import central_slices

DRAWS = 4  # of the clinical mix
CLOSE_UP = 0.34  # of the slice's shorter side


def degraded_panels(hr, scale, seed=0):
    """[(caption, image)] of one slice: itself, the plain degradations, and draws of the clinical mix.

    Args:
        hr: tensor (1, 1, H, W) on the percentile scale, sizes divisible by ``scale``.
        scale: enlargement, 2 or 4.
        seed: of everything that is drawn.

    Returns:
        images as arrays; LR ones (H / scale, W / scale).
    """
    panels = [("reference", hr)]
    for kind in FUNCTIONS:
        if kind != "clinical":
            panels.append((kind, degrade(hr, scale, kind, torch.Generator().manual_seed(seed))))
    for number in range(DRAWS):
        generator = torch.Generator().manual_seed(seed + number)
        parameters = draw_clinical(scale, generator)
        blur = f", FWHM {parameters.fwhm:.1f}" if parameters.operator == "blur" else ""
        caption = f"clinical: {parameters.operator}{blur}\nnoise {100 * parameters.noise:.1f} %, bias"
        caption += f" {100 * parameters.bias:.0f} %"
        panels.append((caption, clinical(hr, scale, parameters, generator)[0]))
    return [(caption, image[0, 0].numpy()) for caption, image in panels]


def draw_degradations(volume, scale, path, seed=0):
    """The middle slice and a close-up of it under every degradation; LR pixels are shown as they are.

    Below: what bicubic interpolation then misses, |reference - interpolated|, so that blur and noise can be told apart.

    Args:
        volume: PreparedVolume.
        scale: enlargement, 2 or 4.
        path: PNG to write.
        seed: of noise and draws.
    """
    normalised = volume.normalised("percentile")[central_slices(len(volume.slices), 1)]
    hr = torch.from_numpy(np.ascontiguousarray(crop_to_multiple(normalised, scale)))[:, None]
    height, width = hr.shape[-2:]
    side = int(CLOSE_UP * min(height, width)) // scale * scale
    top, left = (int(0.42 * height) // scale * scale, int(0.12 * width) // scale * scale)
    panels = degraded_panels(hr, scale, seed)
    figure = new_figure(1.65 * len(panels), 1.65 * (height / width + 2) + 0.6)
    axes = figure.subplots(3, len(panels), gridspec_kw={"height_ratios": (height / width, 1, 1)})
    for one in axes.flat:
        one.set_axis_off()
    axes[2, 0].text(0.5, 0.5, "|reference -\ninterpolated|", ha="center", va="center", fontsize=7)
    for (caption, image), column in zip(panels, axes.T):
        step = height // image.shape[0]
        close = image[top // step : (top + side) // step, left // step : (left + side) // step]
        column[0].imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        column[0].set_title(caption, fontsize=7)
        column[1].imshow(close, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        if step > 1:
            missed = (bicubic_upsample(torch.from_numpy(image)[None, None], step) - hr)[0, 0].abs().numpy()
            column[2].imshow(missed[top : top + side, left : left + side], cmap="magma", vmin=0, vmax=0.2)
    save_figure(figure, path)
