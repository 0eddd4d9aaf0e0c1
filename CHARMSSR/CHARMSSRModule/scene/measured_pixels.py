"""The grid that a scan is enhanced from, as soon as it is known which of its pixels were measured."""

from .geometry import acrossSlices


def measuredSize(acquisition, ijkToRas, size, planes):
    """Voxels along i, j, k of the grid that was measured; None where the scan is enhanced from its own.

    Args:
        acquisition: what ``charmssr inspect`` has found, as a dictionary.
        planes: the library's word.
    """
    axes = acquisition.get("axes") or []
    if not any(axis["interpolation"].startswith("zero-filled") for axis in axes):
        return None
    from CHARMSSRLib.acquisition.findings import Axis
    from CHARMSSRLib.acquisition.measured_grid import grid_from_axes

    names = Axis.__dataclass_fields__
    found = tuple(Axis(**{name: value for name, value in axis.items() if name in names}) for axis in axes)
    kept = () if planes == "three" else (acrossSlices(ijkToRas, planes),)
    grid = grid_from_axes(tuple(size), found, kept)
    return grid.sizes if grid.differs else None
