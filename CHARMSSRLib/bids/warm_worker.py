"""The process that enhances: started with the first scan, kept warm, started again if a scan took it down."""

import os
import sys
from pathlib import Path
from typing import Any, Optional

import SimpleITK as sitk

from ..errors import WorkerError
from ..settings import EnhancementSettings
from ..task import IsCancelled, Progress
from ..worker.client import WorkerClient

_PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])


class WarmWorker:
    """An Enhancer in a process of its own: what kills it (memory, a driver) costs one scan, not the run.

    Args:
        cores: threads of the computation.
        memory_mb: memory that a job may take; None for what the machine grants.
    """

    def __init__(self, cores: int, memory_mb: Optional[int] = None) -> None:
        self._environment = _environment(cores, memory_mb)
        self._client: Optional[WorkerClient] = None

    def __enter__(self) -> "WarmWorker":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def enhance(
        self,
        image: sitk.Image,
        settings: Optional[EnhancementSettings] = None,
        mask: Optional[sitk.Image] = None,
        progress: Optional[Progress] = None,
        is_cancelled: Optional[IsCancelled] = None,
        tags: Optional[dict[str, Any]] = None,
    ) -> Any:
        """See ``CHARMSSRLib.enhance``.

        Raises:
            WorkerError: the process ended; the next call starts it again.
        """
        if self._client is None:
            client = WorkerClient(sys.executable, self._environment)
            client.start()
            self._client = client
        try:
            return self._client.enhance(image, settings, mask, progress, is_cancelled, tags)
        except WorkerError:
            self.close()
            raise

    def close(self) -> None:
        """End the process."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _environment(cores: int, memory_mb: Optional[int]) -> dict[str, str]:
    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment[name] = str(cores)
    if memory_mb is not None:
        environment["CHARMSSR_MEMORY_MB"] = str(memory_mb)
    # Found from any folder, also where the library is used from its source tree.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [_PACKAGE_FOLDER, environment.get("PYTHONPATH")]))
    return environment
