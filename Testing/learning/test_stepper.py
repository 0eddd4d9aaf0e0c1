"""The one step under training and fine-tuning: rate, bound on the gradient, faulty gradients, going on."""

import copy
from pathlib import Path

import pytest
import torch

from CHARMSSRLib.learning.stepper import Stepper

CPU = torch.device("cpu")


def one_weight(value=3.0, longest=0.0):
    """(parameter, Stepper of weight * given value)."""
    weight = torch.nn.Parameter(torch.tensor([value]))
    return weight, Stepper([weight], lambda given: ((weight * given).sum(), weight * given, given), CPU, longest)


def test_each_step_goes_as_far_as_its_own_rate():
    weight, stepper = one_weight()
    for rate in (0.5, 0.125):  # AdamW's first steps under a constant gradient are as long as the rate, less its decay
        before = weight.item()
        stepper.step(0, rate, torch.tensor([2.0]))
        assert before - weight.item() == pytest.approx(rate * (1 + 0.01 * before), rel=1e-4)


def test_what_the_loss_reports_comes_back_without_a_graph():
    _, stepper = one_weight()
    product, given = stepper.step(0, 0.1, torch.tensor([2.0]))
    assert product.item() == 6 and given.item() == 2 and not product.requires_grad


@pytest.mark.parametrize("fault", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_changes_nothing_and_is_told(caplog, fault):
    weight, stepper = one_weight()
    stepper.step(0, 0.1, torch.tensor([1.0]))
    before, state = weight.item(), copy.deepcopy(stepper.state_dict()["state"])
    stepper.step(41, 0.1, torch.tensor([fault]))
    assert weight.item() == before and "step 41" in caplog.text
    after = stepper.state_dict()["state"]
    assert all(torch.equal(state[0][name], after[0][name]) for name in state[0])
    stepper.step(42, 0.1, torch.tensor([1.0]))
    assert weight.item() < before


def test_the_gradient_is_no_longer_than_allowed():
    weight, stepper = one_weight(longest=0.5)
    stepper.step(0, 0.1, torch.tensor([-4.0]))
    assert weight.grad.item() == pytest.approx(-0.5, rel=1e-4)
    weight, stepper = one_weight()
    stepper.step(0, 0.1, torch.tensor([-4.0]))
    assert weight.grad.item() == -4


def test_a_stepper_goes_on_where_another_stopped():
    (weight, first), (again, second) = one_weight(), one_weight()
    for number in range(3):
        first.step(number, 0.1, torch.tensor([1.0 + number]))
    again.data.copy_(weight.data)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for stepper in (first, second):
        stepper.step(3, 0.05, torch.tensor([-1.0]))
    assert again.item() == weight.item()


def test_a_recording_gets_the_step_and_what_forgets_its_gradients():
    made, weight = [], torch.nn.Parameter(torch.ones(1))

    def recording(step, forget):
        made.append(forget)
        return lambda *batch: ("replayed", *step(*batch))

    stepper = Stepper([weight], lambda given: ((weight * given).sum(), given), CPU, recorded=recording)
    assert stepper.step(0, 0.1, torch.tensor([2.0]))[0] == "replayed"
    made[0]()
    assert weight.grad is None and weight.item() < 1


def test_nothing_else_in_library_or_laboratory_steps_a_networks_optimiser():
    root = Path(__file__).resolve().parents[2]
    stepping = [
        path.relative_to(root).as_posix()
        for wing in ("CHARMSSRLib", "CHARMSSRLab")
        for path in (root / wing).rglob("*.py")
        if "clip_grad_norm_" in path.read_text(encoding="utf-8")
    ]
    # The built-in skull-strip has its own recipe, which its weights were made by.
    assert set(stepping) == {"CHARMSSRLib/learning/stepper.py", "CHARMSSRLab/skull_strip/train_builtin.py"}
