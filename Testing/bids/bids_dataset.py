"""Small generated BIDS datasets, for the tests and for whoever measures at scale."""

import json

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.files.volume_writer import write_volume


def small_scan(seed=0, size=(32, 32, 16)):
    """A ball with texture in air: passes every check of a scan and weighs nothing."""
    random = np.random.default_rng(seed)
    grid = np.indices(size[::-1]).transpose(1, 2, 3, 0) / (np.array(size[::-1]) - 1) - 0.5
    inside = (grid**2).sum(axis=3) < 0.2
    values = np.rint(random.normal(20, 5, size[::-1]).clip(0) + inside * random.normal(600, 120, size[::-1]))
    image = sitk.GetImageFromArray(values.astype(np.int16))
    image.SetSpacing((6.0, 6.0, 10.0))
    return image


def make_dataset(folder):
    """Write the dataset; returns its folder."""
    folder.mkdir()
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "Balls", "BIDSVersion": "1.10.0"}))
    (folder / "README").write_text("Generated balls.\n")
    for number, name in enumerate(("sub-01_T1w", "sub-02_run-1_T1w", "sub-02_run-2_T1w")):
        add_scan(folder, name, number)
    return folder


def add_scan(dataset, name, seed=0, image=None):
    """Write a scan of this name (without extension) where BIDS wants it; returns its path."""
    parts = [part for part in name.split("_") if part.startswith(("sub-", "ses-"))]
    folder = dataset.joinpath(*parts, "anat")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.nii.gz"
    write_volume(image or small_scan(seed), path, overwrite=True)
    return path
