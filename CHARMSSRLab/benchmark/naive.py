"""The naive way to the same result, to compare with: what a script written in an afternoon does.

N4 with SimpleITK's defaults at shrink 2, a skull-strip, then every slice at its full frame, one by
one, through the network as it was trained, in PyTorch's default layout.
"""

import numpy as np
import SimpleITK as sitk
import torch

from CHARMSSRLib.grids.geometry import image_on_enlarged_grid
from CHARMSSRLib.grids.orientation import LPSFrame
from CHARMSSRLib.grids.slices import slice_axis
from CHARMSSRLib.preprocessing.skull_strip import strip_skull
from CHARMSSRLib.task import Task

SHRINK = 2
ITERATIONS = [50, 50, 50, 50]


def enhance_naively(image, checkpoint, stages, skull_strip="auto", slices=None, task=None):
    """Super-resolve a head slice by slice.

    Args:
        image: SimpleITK image.
        checkpoint: what ``load_checkpoint`` returns.
        stages: ``report.Stages``, receives "bias correction", "skull strip", "network", "finish".
        skull_strip: "auto" or the name of a backend.
        slices: how many slices go through the network, evenly spread; None for all. The others
            are left at 0: the time of the network stage can then be scaled up, the result not used.
        task: Task, told; None for nobody's.

    Returns:
        (image, slices done, slices in all).
    """
    tell = (task or Task()).tell
    frame = LPSFrame(image)
    upright = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    with stages("bias correction"):
        tell(0.0, "Correcting the bias field")
        corrected = _without_bias_field(upright)
    with stages("skull strip"):
        tell(0.2, "Stripping the skull")
        brain = sitk.GetArrayFromImage(strip_skull(corrected, skull_strip).mask) > 0
    with stages("network"):
        axis, scale = slice_axis(upright), checkpoint.network.scale
        values = sitk.GetArrayFromImage(corrected)
        low, high = values[brain].min(), values[brain].max()
        stack = np.moveaxis(np.where(brain, (values - low) / (high - low), np.float32(0)), axis, 0)
        n, h, w = stack.shape
        chosen = np.unique(np.linspace(0, n - 1, min(slices or n, n)).round().astype(int))
        output = np.zeros((n, scale * h, scale * w), np.float32)
        with torch.no_grad():
            for done, number in enumerate(chosen):
                tell(0.3 + 0.7 * done / len(chosen), "Enhancing slices the naive way")
                one = torch.from_numpy(np.ascontiguousarray(stack[number], dtype=np.float32))
                output[number] = checkpoint.network(one[None, None])[0, 0].numpy()
    with stages("finish"):
        mask = np.moveaxis(brain, axis, 0).repeat(scale, axis=1).repeat(scale, axis=2)
        output = np.where(mask, output * (high - low) + low, np.float32(0))
        factors = [1 if one == axis else scale for one in range(3)]
        array = np.ascontiguousarray(frame.restore_axes(np.moveaxis(output, 0, axis)))
        result = image_on_enlarged_grid(array, frame, image, factors)
    return result, len(chosen), n


def _without_bias_field(image):
    """N4 as SimpleITK's own example does it."""
    mask = sitk.OtsuThreshold(image, 0, 1, 200)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(ITERATIONS)
    n4.Execute(sitk.Shrink(image, [SHRINK] * 3), sitk.Shrink(mask, [SHRINK] * 3))
    return image / sitk.Cast(sitk.Exp(n4.GetLogBiasFieldAsImage(image)), sitk.sitkFloat32)
