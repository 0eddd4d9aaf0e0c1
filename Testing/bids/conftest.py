"""A small BIDS dataset of generated heads, and the App with a stand-in for the network."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
import stand_in

from CHARMSSRLib.bids import warm_worker
from CHARMSSRLib.cli import main
from CHARMSSRLib.files.volumes import write_volume


def small_scan(seed=0, size=(32, 32, 16)):
    """A ball with texture in air: passes every check of a scan and weighs nothing."""
    random = np.random.default_rng(seed)
    grid = np.indices(size[::-1]).transpose(1, 2, 3, 0) / (np.array(size[::-1]) - 1) - 0.5
    inside = (grid**2).sum(axis=3) < 0.2
    values = np.rint(random.normal(20, 5, size[::-1]).clip(0) + inside * random.normal(600, 120, size[::-1]))
    image = sitk.GetImageFromArray(values.astype(np.int16))
    image.SetSpacing((6.0, 6.0, 10.0))
    return image


@pytest.fixture
def dataset(tmp_path):
    """Folder of a dataset with one T1w of sub-01 and two runs of sub-02."""
    folder = tmp_path / "dataset"
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


@pytest.fixture
def add():
    """Function: see ``add_scan``."""
    return add_scan


@pytest.fixture
def worker(monkeypatch):
    """The stand-in's class in the worker's place."""

    class Worker(stand_in.StandInWorker):
        pass

    monkeypatch.setattr(warm_worker, "WarmWorker", Worker)
    return Worker


@pytest.fixture
def app(dataset, tmp_path, worker, capfd):
    """Function: run the App's participant level on the dataset; returns status, out and err."""

    def run(*options, level="participant", output=None, source=None):
        output = output or tmp_path / "out"
        where = (str(source or dataset), str(output), level)
        status = main(["bids", *where, "--skip-bids-validation", *map(str, options)])
        out, err = capfd.readouterr()
        return SimpleNamespace(status=status, out=out, err=err, output=output)

    return run
