"""What was found, in one short line for the panel, and how it comes from the worker."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume.made_scans import acquired, interpolated
from CHARMSSRLib.acquisition.findings import NONE, UNKNOWN, ZERO_FILLED, Acquisition, Axis, Finding
from CHARMSSRLib.acquisition.inspect import inspect_image
from CHARMSSRLib.worker import protocol
from CHARMSSRLib.worker.server import Server


def axes(*shares, spacing=(0.43, 0.43, 0.43)):
    return tuple(
        Axis("left-right", step, share, UNKNOWN if share is None else NONE if share == 1 else ZERO_FILLED, 0.9)
        for step, share in zip(spacing, shares)
    )


@pytest.mark.parametrize(("found", "line"), [
    (Acquisition(axes(0.5, 0.5, 0.5), noise=Finding(0.02, 0.8), contrast=Finding("T1w", 0.9)),
     "0.43 mm stated, 0.86 mm measured; noise 2 %; T1w"),
    (Acquisition(axes(0.5, 1, 1, spacing=(0.5, 0.5, 4)), noise=Finding(0.0123, 0.5), contrast=Finding("T2w", 0.9)),
     "0.50 x 0.50 x 4.00 mm stated, 1.00 x 0.50 x 4.00 mm measured; noise at most 1.2 %; T2w"),
    (Acquisition(axes(1, 1, 1)), "0.43 mm, as measured"),
    (Acquisition(axes(None, None, None), contrast=Finding("other", 0.3)),
     "0.43 mm stated, unknown measured; other contrast"),
    (Acquisition(axes(0.5, None, 1)), "0.43 mm stated, 0.86 x ? x 0.43 mm measured"),
])  # fmt: skip
def test_one_line_tells_resolution_noise_and_contrast(found, line):
    assert found.line() == line
    assert found.to_dict()["line"] == line


class Heard:
    """Stands for the channel to the caller; keeps what is said."""

    def __init__(self):
        self.said = []

    def send(self, type, id="", **fields):
        self.said.append(json.loads(protocol.encode(type, id, **fields)))  # as it is read at the other end

    def error(self, id, kind, message, details=None):
        self.said.append({"type": "error", "kind": kind, "message": str(message), "details": details})


def asked(scan, folder, **message):
    """What the worker answers to a request to examine an image."""
    heard = Heard()
    volume = protocol.save_volume(scan, folder, "input")
    Server(heard)._work({"id": "1", "task": "inspect", "folder": str(folder), "image": volume, **message})
    return heard.said[-1]


def test_the_worker_says_what_it_found(tmp_path, phantom_head):
    values, _ = interpolated(acquired(sitk.GetArrayFromImage(phantom_head), (1, 1, 1), 0.02, 1), ZERO_FILLED, (1, 2, 1))
    image = sitk.GetImageFromArray(values)
    answer = asked(image, tmp_path, tags={"SliceThickness": 0.7})
    found = answer["acquisition"]
    assert answer["type"] == "result"
    assert found["line"] == inspect_image(image).line() and "measured" in found["line"]
    assert found["axes"][1]["true_mm"] == pytest.approx(2, rel=0.05) and found["slices"]["value"] == "gap"


def test_the_worker_reads_the_tags_beside_a_file(tmp_path, phantom_head):
    sitk.WriteImage(phantom_head, str(tmp_path / "sub-1_T1w.nii"))
    (tmp_path / "sub-1_T1w.json").write_text(json.dumps({"SliceThickness": 0.6 * max(phantom_head.GetSpacing())}))
    found = asked(phantom_head, tmp_path, file=str(tmp_path / "sub-1_T1w.nii"))["acquisition"]
    assert found["slices"]["value"] == "gap"
    given = {"SliceThickness": 1.5 * max(phantom_head.GetSpacing())}
    found = asked(phantom_head, tmp_path, file=str(tmp_path / "sub-1_T1w.nii"), tags=given)["acquisition"]
    assert found["slices"]["value"] == "overlap"


@pytest.mark.parametrize(
    "fields", [{}, {"tags": None, "file": "nowhere", "name": None}, {"tags": {"SliceThickness": ["x"]}}]
)
def test_an_image_of_which_nothing_can_be_told_is_no_error(tmp_path, fields):
    image = sitk.GetImageFromArray(np.full((6, 9, 9), np.nan, np.float32))
    answer = asked(image, tmp_path, **fields)
    assert answer["type"] == "result" and answer["acquisition"]["line"] == "1.00 mm stated, unknown measured"


@pytest.mark.parametrize("fields", [{"tags": 3}, {"file": 3}, {"image": None}, {"name": 7}])
def test_a_request_that_is_none_is_refused_in_a_sentence(tmp_path, phantom_head, fields):
    answer = asked(phantom_head, tmp_path, **fields)
    assert (answer["type"], answer["kind"]) == ("error", "ProtocolError")
