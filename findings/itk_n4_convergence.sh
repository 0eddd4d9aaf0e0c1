#!/bin/bash
# SimpleITK 2.5.7: the convergence figure of N4BiasFieldCorrection is not what its definition gives (the coefficient of
# variation, within the mask, of the ratio of two successive fields): the mean runs along in single precision and stands
# still once a voxel's share is below half its last digit, some ten thousand voxels into the mask. Seen, 53,928 voxels:
#   iteration 8: stated 1.857e-03, by its definition 1.660e-03, by a running mean in single precision the stated one
# A threshold between the two (1e-3 is the usual one) lets N4 run on, on real heads at 4 mm for up to 14 iterations.
# Exits non-zero when this changes.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "SimpleITK==2.5.7" "numpy<3"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import SimpleITK as sitk

z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (48, 52, 44)), indexing="ij")
inside = z**2 + y**2 + x**2 < 1
values = np.where(np.sin(9 * x) * np.cos(8 * y) > 0, 1000.0, 600.0) * np.exp(0.6 * z)
values += np.random.default_rng(0).normal(0, 20, values.shape)
image = sitk.GetImageFromArray(values.astype(np.float32))
mask = sitk.GetImageFromArray(inside.astype(np.uint8))


def n4(iterations):
    one = sitk.N4BiasFieldCorrectionImageFilter()
    one.SetMaximumNumberOfIterations([iterations])
    one.SetConvergenceThreshold(0.0)
    one.Execute(image, mask)
    field = sitk.GetArrayFromImage(one.GetLogBiasFieldAsImage(image)).astype(np.float64)
    return field, one.GetCurrentConvergenceMeasurement()


def running(ratio):
    """The same statistics one voxel at a time, mean and sum kept in single precision."""
    mean = total = np.float32(0)
    for number, one in enumerate(ratio.astype(np.float32).tolist(), 1):
        old = float(mean)
        if number > 1:
            total = np.float32(float(total) + (one - old) ** 2 * (number - 1) / number)
        mean = np.float32(old * (1 - 1 / number) + one / number)
    return np.sqrt(float(total) / (len(ratio) - 1)) / float(mean)


worst = 0
for iterations in (2, 4, 8):
    before, (after, stated) = n4(iterations - 1)[0], n4(iterations)
    ratio = np.exp(before - after)[inside]
    exact = ratio.std(ddof=1) / ratio.mean()
    worst = max(worst, stated / exact - 1)
    assert abs(running(ratio) / stated - 1) < 0.01, "the running mean is not the reason"
    print(f"{inside.sum()} voxels, iteration {iterations}: stated {stated:.3e}, by its definition {exact:.3e}, running mean {running(ratio):.3e}")
print(f"SimpleITK {sitk.Version_VersionString()}: stated up to {100 * worst:.0f} % too large")
assert worst > 0.02, "the figure is what its definition says now"
PYTHON
