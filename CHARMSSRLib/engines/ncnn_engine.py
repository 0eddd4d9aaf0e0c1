"""The engine ncnn, and how it computes on processors: slices in, slices out, no torch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BackendError
from ..grids.cubic import resized
from ..machine.allocator import keep_freed_memory
from ..machine.cores import computing_threads
from .ncnn_charms import CHANNELS

if TYPE_CHECKING:
    from .ncnn_charms import CharmsGraphs

# Of one feature image on the fine grid: larger slices are finished in strips, which bounds the memory.
STRIP_BYTES = 4 * 2**20
STRIP_HALO = 4  # rows before the last doubling: it looks 1 row beyond a strip, refinement and tail 5 fine ones
_OUT_OF_MEMORY = -100  # what ncnn's layers return


class ProcessorRunner:
    """Computes at once, slice by slice: more of them at a time would only leave the caches."""

    def __init__(self, graphs: CharmsGraphs, threads: int | None = None) -> None:
        keep_freed_memory()
        self._graphs = graphs
        threads = threads or computing_threads()
        self._pool = usable_ncnn().PoolAllocator()  # before what uses it, so that it goes after it
        self._size: tuple[int, int] | None = None
        self._features = network_of(*graphs.features(), threads)
        self._detail = network_of(*graphs.detail(), threads)

    def submit(self, slices: np.ndarray) -> np.ndarray:
        """Slices (n, c, h, w), as ``interface.Runner`` says."""
        scale, (channels, h, w) = self._graphs.architecture.scale, slices.shape[1:]
        if (h, w) != self._size:  # what the pool kept fits no more
            self._pool.clear()
            self._size = h, w
        enhanced = resized(slices[:, channels // 2], scale * h, scale * w)
        for one, result in zip(slices, enhanced):
            self._add_detail(one, result)
        return enhanced

    def collect(self, ticket: np.ndarray) -> np.ndarray:
        """The enhanced slices (n, s*h, s*w), as ``interface.Runner`` says."""
        return ticket

    def _add_detail(self, one, result):
        ncnn = usable_ncnn()
        given = {"slices": ncnn.Mat(np.ascontiguousarray(one, np.float32))}
        if self._graphs.attends:
            given["per_pixel"] = ncnn.Mat(np.array([1 / one[0].size], np.float32))
        features = computed(self._features, given, "features", pool=self._pool)
        rows, columns = features.h, features.w
        strip = max(16, STRIP_BYTES // (2 * 2 * 4 * CHANNELS * columns))
        for start in range(0, rows, strip):
            stop = min(rows, start + strip)
            low, high = max(0, start - STRIP_HALO), min(rows, stop + STRIP_HALO)
            place = ncnn.Mat(np.array([0, low, 0, columns, high - low, CHANNELS], np.int32))
            detail = computed(self._detail, {"features": features, "rows": place}, "detail", pool=self._pool)
            result[2 * start : 2 * stop] += np.asarray(detail)[0, 2 * (start - low) : 2 * (stop - low)]


SPINS = "5000"


def usable_ncnn() -> Any:
    """The module ncnn.

    Raises:
        BackendError: not installed, or without what is needed here.
    """
    # Threads that wait for the next layer by spinning take the cores from whoever has work: on a busy machine a job
    # then takes ten times the processor's time. Sleeping at once costs a quarter on an idle one: so they spin for some
    # microseconds, then sleep. Read by the OpenMP library when it is loaded; the second name is GNU's.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    try:
        import ncnn
    except ImportError as error:
        raise BackendError(
            f"The engine ncnn cannot be loaded ({error}): install the Python package ncnn, or choose the engine torch."
        ) from error
    if not hasattr(ncnn.Net, "load_model_mem"):
        raise BackendError(
            f"This ncnn ({getattr(ncnn, '__version__', 'of unknown version')}) is too old: install a newer one, or"
            " choose the engine torch."
        )
    return ncnn


def network_of(text: str, weights: bytes, threads: int = 1) -> Any:
    """An ncnn.Net in float32 of a graph's text and weights.

    Args:
        text: of the graph, in ncnn's ``param`` format.
        weights: bytes, in the order of its layers.
        threads: of the processor.

    Raises:
        BackendError: this ncnn cannot build it.
    """
    ncnn = usable_ncnn()
    net = ncnn.Net()
    for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "int8_inference", "vulkan_compute"):
        if hasattr(net.opt, f"use_{name}"):
            setattr(net.opt, f"use_{name}", False)
    net.opt.num_threads = threads
    if net.load_param_mem(text) != 0:
        raise BackendError(_unfit(ncnn))
    net.load_model_mem(weights)
    return net


def computed(net: Any, given: dict[str, Any], wanted: str, packed: bool = True, pool: Any = None) -> Any:
    """The blob ``wanted`` as ncnn.Mat.

    Args:
        net: ncnn.Net.
        given: name -> ncnn.Mat.
        wanted: name of the blob.
        packed: in the layout in which it was made, which numpy cannot read where channels are packed.
        pool: ncnn.PoolAllocator for the blobs, which must outlive them; None for the network's own, which keeps what
            was freed for as long as the network lives.

    Raises:
        MemoryError: there was not enough. BackendError: this ncnn cannot compute it.
    """
    extractor = net.create_extractor()
    if pool is not None:
        extractor.set_blob_allocator(pool)
        extractor.set_workspace_allocator(pool)
    for name, blob in given.items():
        extractor.input(name, blob)
    status, blob = extractor.extract(wanted, int(packed))
    if status == _OUT_OF_MEMORY:
        raise MemoryError("ncnn: not enough memory")
    if status != 0 or blob.empty():
        raise BackendError(_unfit(usable_ncnn()))
    return blob


def _unfit(ncnn):
    return (
        f"This ncnn ({ncnn.__version__}) cannot compute the network: install another version (1.0.20250503 or newer),"
        " or choose the engine torch."
    )
