"""What a CUDA card must do: the same as the CPU, faster. Skipped where there is none."""

import numpy as np
import pytest
import torch

from CHARMSSRLab.training.degradations import degrade
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.checkpoints.registry import available_checkpoints
from CHARMSSRLib.engines.torch_engine import TorchModel
from CHARMSSRLib.enhancement.inference import SliceEnhancer
from CHARMSSRLib.errors import BackendError
from CHARMSSRLib.machine.devices import choose_device, choose_precision
from CHARMSSRLib.network.charms import CHARMS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")

CARD = torch.device("cuda:0")
SLICES, HEIGHT, WIDTH = 24, 88, 76


def untrained():
    """CHARMS with a tail that adds something."""
    torch.manual_seed(0)
    network = CHARMS(2)
    torch.nn.init.normal_(network.tail.weight, std=0.02)
    return network.eval()


@pytest.fixture(scope="module")
def network():
    """Trained weights where there are any: what half precision costs depends on them."""
    names = [name for name in available_checkpoints() if name.startswith("charms-x2")]
    return load_checkpoint(names[0]).network if names else untrained()


@pytest.fixture(scope="module")
def pair():
    """(LR, HR) stacks with edges, curved tissue and texture, in [0, 1]."""
    z, y, x = np.mgrid[:SLICES, : 2 * HEIGHT, : 2 * WIDTH].astype(np.float32)
    radius = np.hypot((y - HEIGHT) / HEIGHT, (x - WIDTH) / WIDTH)
    folds = np.sin(x / 4 + z / 3) * np.cos(y / 5) + np.sin(np.hypot(x - WIDTH, y - HEIGHT) / 3)
    noise = np.random.default_rng(0).normal(0, 0.01, x.shape)
    hr = np.where(radius < 0.9, 0.45 + 0.25 * np.sign(folds) + 0.05 * folds + noise, 0).clip(0, 1).astype(np.float32)
    lr = degrade(torch.from_numpy(hr)[:, None], 2, "bicubic")[:, 0].numpy()
    return lr, hr


def enhanced(network, stack, device=CARD, dtype=torch.float32, batch=0):
    """(output, SliceEnhancer) of all slices at full frame."""
    enhancer = SliceEnhancer(TorchModel(network), str(device), str(dtype).replace("torch.", ""), batch)
    n, height, width = stack.shape
    output = np.full((n, 2 * height, 2 * width), np.nan, np.float32)
    enhancer.run(stack, range(n), output, slice(0, height), slice(0, width))
    assert np.isfinite(output).all()
    return output, enhancer


def psnr(output, reference):
    inside = reference > 0
    return -10 * np.log10(np.mean((output - reference)[inside] ** 2))


@pytest.fixture(scope="module")
def on_the_cpu(network, pair):
    return enhanced(network, pair[0], "cpu")[0]


def test_float32_on_the_card_equals_the_cpu(network, pair, on_the_cpu):
    output, _ = enhanced(network, pair[0])
    assert np.abs(output - on_the_cpu).max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_costs_neither_range_nor_psnr(network, pair, on_the_cpu, dtype):
    output, _ = enhanced(network, pair[0], dtype=dtype)
    if dtype == torch.float16:  # what "auto" takes; bfloat16 has three bits less
        assert np.abs(output - on_the_cpu).max() < 2e-3
    else:
        assert np.abs(output - on_the_cpu).max() < 2e-2
    assert abs(psnr(output, pair[1]) - psnr(on_the_cpu, pair[1])) < 0.02


@pytest.mark.parametrize("dtype, largest", [(torch.float32, 1e-5), (torch.float16, 2e-3)])
def test_batches_of_every_size_agree(network, pair, dtype, largest):
    single, _ = enhanced(network, pair[0], dtype=dtype, batch=1)
    for batch in (5, 24):
        assert np.abs(enhanced(network, pair[0], dtype=dtype, batch=batch)[0] - single).max() < largest


def test_the_card_gives_the_same_twice(network, pair):
    first, second = (enhanced(network, pair[0], dtype=torch.float16)[0] for _ in range(2))
    assert np.abs(first - second).max() < 1e-3


def test_auto_takes_the_card_in_half_precision():
    assert choose_device("auto") == CARD
    assert choose_precision("auto", CARD) == torch.float16
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(BackendError, match="cuda:99"):
        choose_device("cuda:99")


@pytest.fixture
def little_memory():
    """Function: leave this process so many bytes of the card."""
    total = torch.cuda.get_device_properties(CARD).total_memory

    def leave(number):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(min(1.0, number / total), CARD)

    yield leave
    torch.cuda.set_per_process_memory_fraction(1.0, CARD)
    torch.cuda.empty_cache()


def test_short_memory_halves_the_batch_and_says_so(network, little_memory):
    stack = np.random.default_rng(1).random((24, 256, 256), dtype=np.float32)
    expected, _ = enhanced(network, stack, dtype=torch.float16, batch=1)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(CARD)
    enhanced(network, stack[:1], dtype=torch.float16, batch=1)
    little_memory(6 * torch.cuda.max_memory_reserved(CARD))
    output, enhancer = enhanced(network, stack, dtype=torch.float16, batch=24)
    assert enhancer.device == str(CARD) and enhancer.batch < 24
    assert any("batch was reduced" in text for text in enhancer.fallbacks)
    assert np.abs(output - expected).max() < 2e-3


def test_no_memory_for_a_slice_moves_the_work_to_the_cpu(network, pair, on_the_cpu, little_memory):
    little_memory(24 * 2**20)  # the weights fit, the features of a slice do not
    large = np.tile(pair[0][:1], (1, 3, 3))
    output, enhancer = enhanced(network, large, dtype=torch.float16, batch=2)
    assert enhancer.device == "cpu" and enhancer.precision == "float32"
    assert any("ran on the CPU in float32" in text for text in enhancer.fallbacks)
    assert np.abs(output - enhanced(network, large, "cpu")[0]).max() < 1e-5


def test_a_whole_enhancement_on_the_card_equals_the_cpu(network):
    import SimpleITK as sitk

    from CHARMSSRLab.benchmark.phantom import phantom_head_and_brain
    from CHARMSSRLib import EnhancementSettings, enhance

    head, brain = phantom_head_and_brain()
    results = [enhance(head, EnhancementSettings(device=device), mask=brain) for device in ("cuda", "cpu")]
    card, cpu = (sitk.GetArrayFromImage(result.image) for result in results)
    assert results[0].report["device"].startswith("cuda") and results[0].report["precision"] == "float16"
    assert results[0].report["peak_memory_bytes"]["device"] > 0
    assert np.abs(card - cpu).max() < 2e-3 * cpu.max()
