"""The network stage of a volume as ``enhance`` runs it: host array to host array."""

import numpy as np

from CHARMSSRLib.enhancement.inference import SliceEnhancer

from ..costs.timing import Spread, take_turns
from .engines import default_model


def measure_stage(network, device, dtype, slices, height, width, batch=0, rounds=3, task=None):
    """Seconds of a number of slices that are all full of values.

    Returns:
        dict: "engine", "slices", "height", "width" (LR), "batch", "seconds" (Spread as dict).
    """
    model = default_model(network, device, dtype)
    enhancer = SliceEnhancer(model, str(device), str(dtype).replace("torch.", ""), batch)
    stack = np.random.default_rng(0).random((slices, height, width), dtype=np.float32)
    output = np.zeros((slices, network.scale * height, network.scale * width), np.float32)
    rows, columns = slice(0, height), slice(0, width)

    def run():
        enhancer.run(stack, range(slices), output, rows, columns)

    times = take_turns({"network stage": run}, device, rounds, task=task)
    seconds = Spread.of(times["network stage"].values())
    return {
        "engine": model.engine, "slices": slices, "height": height, "width": width, "batch": enhancer.batch,
        "seconds": seconds.as_dict()
    }  # fmt: skip
