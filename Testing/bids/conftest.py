"""A small BIDS dataset of generated heads, and the App with a stand-in for the network."""

from types import SimpleNamespace

import pytest

from CHARMSSRLib.bids import warm_worker
from CHARMSSRLib.cli import main
from Testing.bids import stand_in
from Testing.bids.bids_dataset import add_scan, make_dataset


@pytest.fixture
def dataset(tmp_path):
    """Folder of a dataset with one T1w of sub-01 and two runs of sub-02."""
    return make_dataset(tmp_path / "dataset")


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
