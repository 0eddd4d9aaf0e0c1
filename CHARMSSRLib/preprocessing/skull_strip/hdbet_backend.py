"""HD-BET 2 (Isensee et al., Hum. Brain Mapp. 2019) when it is installed with its parameters."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import SimpleITK as sitk

from ...errors import BackendError
from ...task import Task

HOW_TO_GET_IT = (
    "The skull-strip backend hd-bet needs HD-BET 2, PyTorch and its parameters in this Python. Install it with: "
    "pip install hd-bet, and run hd-bet once so that it fetches its parameters."
)


def is_available() -> bool:
    """Whether HD-BET 2 and its parameters are installed; nothing is ever downloaded from here."""
    if importlib.util.find_spec("HD_BET") is None or importlib.util.find_spec("HD_BET.hd_bet_prediction") is None:
        return False
    from HD_BET.paths import folder_with_parameter_files

    return (Path(folder_with_parameter_files) / "fold_all" / "checkpoint_final.pth").is_file()


def strip(image: sitk.Image, head: sitk.Image, device: str = "cpu", task: Task | None = None) -> sitk.Image:
    """Brain mask, UInt8 on the grid of ``image``; ``head`` is not used.

    HD-BET works from file to file, so the image goes through a temporary folder. Averaging over
    mirrored inputs, eight times the work, is left to devices other than the CPU.

    Raises:
        BackendError: HD-BET failed.
        Cancelled: the task was cancelled before HD-BET began.
    """
    (task or Task()).check()
    import torch

    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
        source, target = Path(folder) / "head.nii.gz", Path(folder) / "brain.nii.gz"
        sitk.WriteImage(sitk.Cast(image, sitk.sitkFloat32), str(source))
        try:
            from HD_BET.hd_bet_prediction import get_hdbet_predictor, hdbet_predict

            predictor = get_hdbet_predictor(use_tta=device != "cpu", device=torch.device(device), verbose=False)
            hdbet_predict(
                str(source), str(target), predictor, keep_brain_mask=True, compute_brain_extracted_image=False
            )
            mask = sitk.ReadImage(str(Path(folder) / "brain_bet.nii.gz"))
        except Exception as error:
            raise BackendError(
                f"HD-BET failed ({error}). Choose another skull-strip backend, or give a mask."
            ) from error
        finally:
            # HD-BET takes every core of the machine for itself.
            torch.set_num_threads(threads)
    if mask.GetSize() != image.GetSize():
        raise BackendError("HD-BET answered on another grid. Choose another skull-strip backend, or give a mask.")
    # NIfTI rounds the geometry to single precision: take the image's own.
    mask = sitk.Cast(mask > 0, sitk.sitkUInt8)
    mask.CopyInformation(image)
    return mask
