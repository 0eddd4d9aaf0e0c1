"""Projection onto the acquired data: exact on every grid, for both operators."""

import numpy as np
import pytest
from scipy import ndimage

from CHARMSSRLib.enhancement.data_consistency import MAXIMUM_ROUNDS, TARGET, Operator, project, residual

CASES = [
    (name, scale, through, shape)
    for name in ("bicubic", "kspace")
    for scale, through, shape in (
        (2, 1, (3, 33, 46)), (2, 1, (2, 32, 40)), (4, 1, (2, 21, 35)), (2, 2, (15, 17, 24)), (2, 4, (14, 18, 17)),
    )
]  # fmt: skip


def case(name, scale, through, shape, noise=0.05):
    """Noisy input and an output that has little to do with it in its finest details."""
    rng = np.random.default_rng(3)
    reference = ndimage.gaussian_filter(rng.standard_normal(shape), 1.0)
    reference = (0.5 + 0.15 * reference / reference.std() + noise * rng.standard_normal(shape)).astype(np.float32)
    factors = (through, scale, scale)
    output = ndimage.zoom(reference, factors, order=1, mode="nearest", grid_mode=True)
    output = (output + 0.02 * rng.standard_normal(output.shape)).astype(np.float32)
    return output, reference, np.ones(shape, bool), Operator(name, scale, through)


@pytest.mark.parametrize("name, scale, through, shape", CASES)
def test_one_round_is_enough_for_any_size(name, scale, through, shape, monkeypatch):
    output, reference, mask, operator = case(name, scale, through, shape)
    rounds = []
    add_up = operator.add_up_stack
    monkeypatch.setattr(operator, "add_up_stack", lambda *arguments: (rounds.append(1), add_up(*arguments)))
    assert relative_error(output, reference, operator) > 1e-2
    project(output, reference, mask, operator)
    assert relative_error(output, reference, operator) < 1e-5
    figure = residual(output, reference, mask, operator)
    assert figure is None or figure < 1e-5
    assert len(rounds) == len(operator.parts(len(reference))) < MAXIMUM_ROUNDS


def test_the_plain_iteration_lags_behind_along_three_axes():
    output, reference, _, operator = case("bicubic", 2, 2, (15, 17, 24))
    for _ in range(MAXIMUM_ROUNDS):
        operator.add_up_stack(reference - operator.down_stack(output), output)
    assert relative_error(output, reference, operator) > TARGET


def relative_error(output, reference, operator):
    return np.linalg.norm(operator.down_stack(output) - reference) / np.linalg.norm(reference)


@pytest.mark.parametrize("name", ["bicubic", "kspace"])
def test_what_is_consistent_already_stays(name):
    output, reference, mask, operator = case(name, 2, 1, (2, 32, 40))
    project(output, reference, mask, operator)
    again = output.copy()
    project(again, reference, mask, operator)
    assert np.array_equal(again, output)


@pytest.mark.parametrize("name", ["bicubic", "kspace"])
def test_a_correction_stays_where_it_is_needed(name):
    """An error in one coarse pixel is mended there: far away the change is small, so nothing rings."""
    output, reference, mask, operator = case(name, 2, 1, (1, 41, 41), noise=0)
    project(output, reference, mask, operator)
    before = output.copy()
    changed = reference.copy()
    changed[0, 20, 20] += 1
    project(output, changed, mask, operator)
    change = np.abs(output - before)[0]
    assert change[40:42, 40:42].max() > 0.5
    far = np.ones(change.shape, bool)
    far[30:52, 30:52] = False
    # The kernel of a k-space operator is a sinc: it falls like one over the distance, along the axes only.
    assert change[far].max() < (0.01 if name == "bicubic" else 0.15)
