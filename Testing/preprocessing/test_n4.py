"""Our N4 is ITK's, iteration by iteration; it stops by exact statistics and can be stopped."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.preprocessing.n4 import log_bias_field
from CHARMSSRLib.task import Task


@pytest.fixture(scope="module")
def head():
    """Two tissues with noise under a smooth field, and an ellipsoid mask with some empty voxels in it."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, size) for size in (20, 26, 23)), indexing="ij")
    inside = z**2 + y**2 + x**2 < 0.9
    values = np.where(np.sin(7 * x) * np.cos(6 * y) > 0, 1000.0, 600.0) * np.exp(0.3 * x - 0.2 * y * z)
    values += np.random.default_rng(0).normal(0, 15, values.shape)
    values[10, ::5, ::5] = 0
    return values.astype(np.float32), inside


def by_itk(values, inside, spans, iterations):
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([iterations])
    n4.SetConvergenceThreshold(0.0)
    n4.SetNumberOfControlPoints([spans + 3] * 3)
    image = sitk.GetImageFromArray(values)
    n4.Execute(image, sitk.GetImageFromArray(inside.astype(np.uint8)))
    return sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image))


def never():
    pass


@pytest.mark.parametrize("spans, iterations", [(1, 1), (1, 8), (2, 5), (4, 5)])
def test_the_field_after_some_iterations_is_that_of_itk(head, spans, iterations):
    expected = by_itk(*head, spans, iterations)
    field = log_bias_field(*head, spans, iterations, 0.0, never)
    assert np.ptp(expected) > 0.005
    assert np.abs(field - expected).max() < 1e-3 * np.ptp(expected)


def test_a_level_ends_when_the_field_hardly_changes(head):
    asked = []
    log_bias_field(*head, 1, 100, 1e-3, lambda: asked.append(None))
    assert 1 < len(asked) < 100
    # What one iteration more changes varies by less than the threshold inside the mask, and not before.
    fields = [log_bias_field(*head, 1, len(asked) - less, 0.0, never)[head[1]] for less in (0, 1, 2)]
    assert np.exp(fields[1] - fields[0]).std() < 1e-3 < np.exp(fields[2] - fields[1]).std()


def test_an_even_volume_has_no_field(head):
    values = np.full(head[0].shape, 300, np.float32)
    assert np.abs(log_bias_field(values, head[1], 2, 5, 1e-3, never)).max() < 1e-9


def test_it_stops_between_two_iterations(head):
    answers = iter((False, False, True))
    with pytest.raises(Cancelled):
        log_bias_field(*head, 1, 10, 0.0, Task(is_cancelled=lambda: next(answers)).check)
