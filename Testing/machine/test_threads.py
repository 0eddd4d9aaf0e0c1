"""The setting "threads" reaches everything that computes, and goes back again."""

import pytest
import SimpleITK as sitk
import torch

from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.machine import cores
from CHARMSSRLib.settings import EnhancementSettings


def test_threads_are_given_to_itk_torch_and_the_engine_and_taken_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    itk, own = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), torch.get_num_threads()
    try:
        cores.use_threads(3)
        assert cores.computing_threads() == 3
        assert (sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), torch.get_num_threads()) == (3, 3)
        cores.use_threads(2)
        assert (sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), torch.get_num_threads()) == (2, 2)
    finally:
        cores.use_threads(0)
    assert cores.computing_threads() == 1
    assert (sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), torch.get_num_threads()) == (itk, own)


def test_threads_are_a_whole_number():
    assert EnhancementSettings(threads=4).threads == 4
    with pytest.raises(SettingsError):
        EnhancementSettings(threads=-1)
