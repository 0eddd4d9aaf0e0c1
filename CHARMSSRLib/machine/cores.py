"""What this machine can compute on."""

import os
import platform


def usable_cores():
    """CPU cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def worker_threads():
    """Threads for the computation: one core is left to the interface where there are more than two."""
    cores = usable_cores()
    return cores - 1 if cores > 2 else cores


def set_threads():
    """Give torch and ITK ``worker_threads()``, unless OMP_NUM_THREADS or ITK's variable says otherwise."""
    import SimpleITK as sitk
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(worker_threads())
    if "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS" not in os.environ:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(worker_threads())


def list_devices():
    """Devices that torch can use, best first.

    Returns:
        List of {"name": what a setting calls it, "description": text for people}.
    """
    import torch

    devices = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            memory = properties.total_memory / 2**30
            devices.append({"name": f"cuda:{index}", "description": f"{properties.name}, {memory:.0f} GiB"})
    if getattr(torch.backends, "mps", None) is not None and torch.backends.mps.is_available():
        devices.append({"name": "mps", "description": "Apple GPU"})
    cores = usable_cores()
    processor = platform.processor() or platform.machine()
    devices.append({"name": "cpu", "description": f"{processor}, {cores} core{'s' if cores > 1 else ''}"})
    return devices
