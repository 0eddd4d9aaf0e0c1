"""The network stage of a volume as ``enhance`` runs it: host array to host array."""

import numpy as np

from CHARMSSRLib.engines.torch_engine import TorchModel
from CHARMSSRLib.enhancement.inference import SliceEnhancer

from ..costs.timing import Spread, take_turns


def measure_stage(network, device, dtype, slices, height, width, batch=0, rounds=3, task=None):
    """Seconds of a number of slices that are all full of values.

    Returns:
        dict: "slices", "height", "width" (LR), "batch", "seconds" (Spread as dict).
    """
    enhancer = SliceEnhancer(TorchModel(network), str(device), str(dtype).replace("torch.", ""), batch)
    stack = np.random.default_rng(0).random((slices, height, width), dtype=np.float32)
    output = np.zeros((slices, network.scale * height, network.scale * width), np.float32)
    rows, columns = slice(0, height), slice(0, width)

    def run():
        enhancer.run(stack, range(slices), output, rows, columns)

    times = take_turns({"network stage": run}, device, rounds, task=task)
    seconds = Spread.of(times["network stage"].values())
    return {
        "slices": slices, "height": height, "width": width, "batch": enhancer.batch, "seconds": seconds.as_dict()
    }  # fmt: skip
