"""HD-BET is called by its public functions; a stand-in package with the same ones checks how."""

import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CHARMSSRLib.errors import BackendError
from CHARMSSRLib.preprocessing.skull_strip import available_backends, strip_skull
from Testing.preprocessing.grids import same_geometry, tilted

PREDICTION = """
    import SimpleITK as sitk
    import torch

    calls = []

    def get_hdbet_predictor(use_tta=False, device=torch.device("cuda"), verbose=False):
        torch.set_num_threads(2)
        return use_tta, device

    def hdbet_predict(input_file_or_folder, output_file_or_folder, predictor, keep_brain_mask=False,
                      compute_brain_extracted_image=True):
        assert output_file_or_folder.endswith(".nii.gz") and keep_brain_mask
        calls.append((input_file_or_folder, predictor, compute_brain_extracted_image))
        image = sitk.ReadImage(input_file_or_folder)
        if sitk.GetArrayViewFromImage(image).max() < 10:
            raise RuntimeError("no brain today")
        sitk.WriteImage(sitk.Cast(image > 300, sitk.sitkUInt8), output_file_or_folder[:-7] + "_bet.nii.gz")
"""


@pytest.fixture
def hd_bet(tmp_path, monkeypatch):
    """Installs the stand-in; returns a function that gives it its parameters."""
    package = tmp_path / "HD_BET"
    parameters = tmp_path / "hd-bet_params"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "paths.py").write_text(f"folder_with_parameter_files = {str(parameters)!r}\n")
    (package / "hd_bet_prediction.py").write_text(textwrap.dedent(PREDICTION))
    monkeypatch.syspath_prepend(str(tmp_path))
    threads = torch.get_num_threads()

    def give_parameters():
        (parameters / "fold_all").mkdir(parents=True)
        (parameters / "fold_all" / "checkpoint_final.pth").write_bytes(b"")

    yield give_parameters
    torch.set_num_threads(threads)
    for name in [name for name in sys.modules if name.split(".")[0] == "HD_BET"]:
        del sys.modules[name]


def test_hd_bet_without_its_parameters_is_not_offered(hd_bet):
    assert "hd-bet" not in available_backends()


def test_hd_bet_strips_through_a_temporary_file_and_leaves_no_trace(hd_bet, phantom_head):
    hd_bet()
    assert "hd-bet" in available_backends()
    oblique = tilted(phantom_head, 10)
    threads = torch.get_num_threads()
    result = strip_skull(oblique, "hd-bet")
    assert result.backend == "hd-bet" and same_geometry(result.mask, oblique)
    assert np.array_equal(sitk.GetArrayFromImage(result.mask), sitk.GetArrayFromImage(oblique) > 300)
    ((path, predictor, brain_image),) = sys.modules["HD_BET.hd_bet_prediction"].calls
    assert predictor == (False, torch.device("cpu")) and not brain_image
    assert not Path(path).parent.exists()
    assert torch.get_num_threads() == threads


def test_a_failure_of_hd_bet_is_told_in_a_sentence(hd_bet, phantom_head):
    hd_bet()
    with pytest.raises(BackendError, match="no brain today"):
        strip_skull(phantom_head * 1e-3, "hd-bet")
