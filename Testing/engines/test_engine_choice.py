"""Which engine computes: what was asked for, else what this computer has."""

import pytest

from CHARMSSRLib import EnhancementSettings
from CHARMSSRLib.engines import choice
from CHARMSSRLib.engines.choice import Choice, choose_engine
from CHARMSSRLib.errors import BackendError, SettingsError


@pytest.fixture
def machine(monkeypatch):
    """A computer with these packages and cards."""

    def make(ncnn=True, torch=True, card=False):
        monkeypatch.setattr(choice, "has_ncnn", lambda: ncnn)
        monkeypatch.setattr(choice, "has_torch", lambda: torch)
        monkeypatch.setattr(choice, "torch_may_have_a_card", lambda: card)
        monkeypatch.setattr(choice, "_torch_has_a_card", lambda: card)

    return make


def test_a_processor_gets_ncnn_where_it_is_installed_and_torch_where_not(machine):
    machine()
    assert choose_engine() == Choice("ncnn", "cpu", "float32")
    machine(torch=False)
    assert choose_engine(device="cpu") == Choice("ncnn", "cpu", "float32")
    machine(ncnn=False)
    assert choose_engine().engine == "torch"


def test_a_card_that_torch_can_use_gets_torch(machine):
    machine(card=True)
    assert choice._best_engine("auto", "auto") == "torch"
    assert choice._best_engine("cpu", "auto") == "ncnn"
    assert choice._best_engine("cuda", "auto") == "torch"


def test_half_precision_on_a_processor_is_torchs_where_there_is_one(machine):
    machine()
    assert choose_engine(device="cpu", precision="bfloat16") == Choice("torch", "cpu", "bfloat16")
    machine(torch=False)
    with pytest.raises(SettingsError, match="float32"):
        choose_engine(device="cpu", precision="bfloat16")


def test_nothing_installed_is_a_sentence_that_says_what_to_install(machine):
    machine(ncnn=False, torch=False)
    with pytest.raises(BackendError, match="install the Python package ncnn"):
        choose_engine()
    with pytest.raises(BackendError, match="PyTorch is not installed"):
        choose_engine("torch")


def test_what_contradicts_itself_is_refused():
    with pytest.raises(SettingsError, match="does not compute on cuda:0"):
        choose_engine("ncnn", "cuda:0")
    with pytest.raises(SettingsError, match="Unknown device"):
        choose_engine("auto", "abacus")
    with pytest.raises(SettingsError, match="engine"):
        EnhancementSettings(engine="abacus")


def test_whether_torch_knows_cuda_is_read_without_importing_it():
    import torch

    assert choice._torch_is_built_for_cuda() == (torch.version.cuda is not None)
