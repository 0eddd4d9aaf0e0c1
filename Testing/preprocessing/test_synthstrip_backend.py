"""SynthStrip: the same network as the published one, and the whole path around it."""

import hashlib

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from nipreps.synthstrip.model import StripModel

from CHARMSSRLib.errors import BackendError
from CHARMSSRLib.grids.orientation import LPSFrame, image_like
from CHARMSSRLib.preprocessing.skull_strip import available_backends, strip_skull, synthstrip
from CHARMSSRLib.preprocessing.skull_strip.synthstrip_network import SynthStripNetwork
from Testing.preprocessing.grids import dice, same_geometry, tilted


def test_the_network_equals_the_published_one_on_the_same_weights():
    reference = StripModel().eval()
    network = SynthStripNetwork().eval()
    network.load_state_dict(reference.state_dict(), strict=True)
    volume = torch.rand((1, 1, 64, 64, 64), generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        torch.testing.assert_close(network(volume), reference(volume), rtol=0, atol=1e-6)


def weights_that_threshold(level, scale):
    """Weights under which the network computes ``scale * (level - input)`` voxel by voxel.

    All is zero but one path: first convolution, skip connection, last convolutions.
    """
    network = SynthStripNetwork()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        first, second = network.encoder[0]
        joined, middle, last = network.remaining
        for convolution, source in ((first, 0), (second, 0), (joined, 32), (middle, 0)):
            convolution.conv.weight[0, source, 1, 1, 1] = 1.0
        last.conv.weight[0, 0, 1, 1, 1] = -scale
        last.conv.bias[0] = scale * level
    return network.state_dict()


@pytest.fixture
def weights_path(tmp_path, monkeypatch):
    """A weights file in SynthStrip's form, pinned and named in the environment."""
    path = tmp_path / "synthstrip.1.pt"
    torch.save({"model_state_dict": weights_that_threshold(0.5, 10.0), "optimizer_state_dict": {}}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    load = synthstrip.load_network.__wrapped__
    monkeypatch.setattr(synthstrip, "load_network", lambda name: load(name, digest))
    monkeypatch.setenv(synthstrip.WEIGHTS_VARIABLE, str(path))
    return path


def bright_ball_in_a_head(size, spacing, radius_mm=44.0):
    """A ball of intensity 900 (the brain) in air with dark tissue around; and the ball's mask."""
    z, y, x = np.meshgrid(
        *((np.arange(n) - (n - 1) / 2) * step for n, step in zip(size[::-1], spacing[::-1])), indexing="ij"
    )
    distance = np.sqrt((x - 8) ** 2 + (y + 5) ** 2 + (z - 3) ** 2)
    head = np.where(distance < radius_mm, 900.0, np.where(distance < radius_mm + 12, 200.0, 0.0))
    image = sitk.GetImageFromArray(head.astype(np.float32))
    image.SetSpacing(spacing)
    image.SetOrigin((-71.5, 33.25, 12.0))
    return image, image_like((distance < radius_mm).astype(np.uint8), image)


def test_the_whole_path_finds_what_the_network_finds_on_the_inputs_grid(weights_path, monkeypatch):
    # A third of the smallest real size: the same path in a third of the time.
    monkeypatch.setattr(synthstrip, "_SMALLEST_SIZE", 128)
    image, ball = bright_ball_in_a_head((120, 75, 64), (1.3, 2.1, 2.4))
    turned = [tilted(sitk.PermuteAxes(each, [2, 0, 1]), 12) for each in (image, ball)]
    assert "synthstrip" in available_backends()
    result = strip_skull(turned[0], "synthstrip")
    assert result.backend == "synthstrip"
    assert result.mask.GetPixelID() == sitk.sitkUInt8 and same_geometry(result.mask, turned[0])
    # Border 1 mm and the nearest-neighbour step to 1 mm leave about half a voxel.
    assert dice(result.mask, turned[1]) > 0.97


class _Ramp(torch.nn.Module):
    """Answers with the position along one axis of its input."""

    def __init__(self, axis):
        super().__init__()
        self.axis = axis

    def forward(self, volume):
        shape = [1] * 5
        shape[self.axis + 2] = -1
        return torch.arange(float(volume.shape[self.axis + 2])).view(shape).expand_as(volume)


@pytest.mark.parametrize(
    "axis, lps_axis, rises", [(0, 2, True), (1, 0, False), (2, 1, False)], ids=["left", "inferior", "anterior"]
)
def test_the_network_sees_left_inferior_anterior(axis, lps_axis, rises):
    values = np.random.default_rng(0).uniform(0, 1, (5, 6, 7)).astype(np.float32)
    answer = synthstrip._distances(_Ramp(axis), values, "cpu")
    assert answer.shape == values.shape
    steps = np.diff(answer, axis=lps_axis)
    assert (steps == (1 if rises else -1)).all()


def test_conforming_keeps_every_voxel_at_its_place():
    image, _ = bright_ball_in_a_head((120, 75, 64), (1.0, 1.0, 1.0))
    image = LPSFrame(image).enter(image)
    conformed = synthstrip.conform(image)
    assert conformed.GetSize() == (192, 192, 192) and conformed.GetSpacing() == (1.0, 1.0, 1.0)
    back = sitk.Resample(conformed, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))


def test_conforming_grows_in_steps_of_64_and_ends_at_320():
    image = sitk.Image((90, 120, 170), sitk.sitkFloat32) + 1
    image.SetSpacing((2.2, 2.2, 2.2))
    assert synthstrip.conform(image).GetSize() == (256, 320, 320)


def test_the_largest_part_nearer_than_a_millimetre_is_filled():
    distance = np.full((40, 40, 40), 20.0, np.float32)
    distance[5:25, 5:25, 5:25] = -3
    distance[10:12, 10:12, 10:12] = 5  # a hole
    distance[30:33, 30:33, 30:33] = -3  # a smaller part
    image = sitk.GetImageFromArray(distance)
    mask = sitk.GetArrayFromImage(synthstrip.mask_from_distances(image, image))
    assert mask.sum() == 20**3 and mask[11, 11, 11] == 1 and mask[31, 31, 31] == 0


def test_other_files_than_the_public_weights_are_refused(tmp_path):
    path = tmp_path / "synthstrip.1.pt"
    torch.save({"model_state_dict": SynthStripNetwork().state_dict()}, path)
    with pytest.raises(BackendError, match="SHA-256"):
        synthstrip.load_network(str(path))


def test_weights_are_found_in_freesurfer_and_the_named_file_comes_first(tmp_path, monkeypatch):
    monkeypatch.delenv(synthstrip.WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("FREESURFER_HOME", str(tmp_path))
    assert synthstrip.weights_file() is None and not synthstrip.is_available()
    (tmp_path / "models").mkdir()
    bundled = tmp_path / "models" / "synthstrip.1.pt"
    bundled.write_bytes(b"x")
    assert synthstrip.weights_file() == bundled
    named = tmp_path / "elsewhere.pt"
    named.write_bytes(b"y")
    monkeypatch.setenv(synthstrip.WEIGHTS_VARIABLE, str(named))
    assert synthstrip.weights_file() == named
