"""The least time that a slice can take on a machine, by its arithmetic and by what it moves."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


def floor_seconds(macs, product_rate, moved=0, copy_rate=None):
    """The larger of arithmetic at the rate of a matrix product and copying at the rate of a copy.

    Args:
        macs: multiply-accumulates.
        product_rate: FLOP/s; a multiply-accumulate is two.
        moved: bytes that operations read and write, each by itself (``count_moved_bytes``).
        copy_rate: bytes/s, read and written; None leaves the bytes out.
    """
    arithmetic = 2 * macs / product_rate
    return max(arithmetic, moved / copy_rate) if copy_rate else arithmetic


def count_moved_bytes(network, image):
    """Bytes that the network's operations read and write for an image, none fused with another."""
    with torch.no_grad(), _MovedBytes() as moved:
        network(image)
    return moved.total


class _MovedBytes(TorchDispatchMode):
    """Views move nothing; everything else its inputs and outputs."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        outputs = [one for one in _flat(result) if isinstance(one, torch.Tensor)]
        inputs = [one for one in _flat(args) if isinstance(one, torch.Tensor)]
        known = {one.untyped_storage().data_ptr() for one in inputs}
        in_place = function._schema.is_mutable
        if in_place or any(one.untyped_storage().data_ptr() not in known for one in outputs):
            self.total += sum(one.numel() * one.element_size() for one in [*inputs, *outputs])
        return result


def _flat(value):
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value
