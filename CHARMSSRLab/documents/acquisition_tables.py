"""Lines of Markdown for docs/studies/acquisition.md, from what ``charmssr evaluate --study`` wrote."""

import numpy as np

from CHARMSSRLib.acquisition.findings import KINDS, NONE, UNKNOWN

from ..markdown_table import table
from .whole_volume_tables import read, unique, verdict, weights


def detection(result):
    """A line per kind of interpolation: how many made scans were read rightly, whole and stripped."""
    rows = read(result)["rows"]
    cells = []
    for kind in sorted({row["made"] for row in rows} - {NONE}, key=KINDS.index):
        own = [row for row in rows if row["made"] == kind]
        right = [row for row in own if row["right"]]
        same, unknown = (sum(row["found"] == one for row in right) for one in (kind, UNKNOWN))
        kinds = f"{same}, {unknown}, {len(right) - same - unknown} of {len(right)}"
        cells.append([kind, *(_share(own, stripped, "right") for stripped in (False, True)), kinds])
    alarms = (_share(rows, stripped, "alarms", "plain") for stripped in (False, True))
    cells.append(["**alarms** on axes that were not interpolated", *alarms, ""])
    return table(["kind", "whole", "stripped", 'of these, kind right, "unknown", wrong'], cells)


def _share(rows, stripped, key, of=None):
    own = [row for row in rows if row["stripped"] == stripped]
    return f"{sum(row[key] for row in own)} of {sum(1 if of is None else row[of] for row in own)}"


def zero_filled(result):
    """A line per volume: PSNR of doing nothing, from the stated and from the measured pixels, and what is gained."""
    rows = read(result)["rows"]
    cells = [
        [row["volume"], *(f"{row[key]:.2f}" for key in ("nothing", "stated", "auto")),
         *(f"{row[key]:+.2f}" for key in ("over_stated", "over_nothing"))]
        for row in rows
    ]  # fmt: skip
    return table(["volume", "nothing done", "`stated`", "`auto`", "auto - stated", "auto - nothing"], cells)


def checkpoints(result):
    """A line per volume, a column per degradation: PSNR with each checkpoint, and the mean."""
    rows = read(result)["rows"]
    names, degradations = unique(rows, "checkpoint"), unique(rows, "degradation")
    psnr = {(row["volume"], row["degradation"], row["checkpoint"]): row["psnr"] for row in rows}
    volumes = unique(rows, "volume")
    cells = [
        [volume, *(" / ".join(f"{psnr[volume, one, name]:.2f}" for name in names) for one in degradations)]
        for volume in volumes
    ]
    means = (
        " / ".join(f"{np.mean([psnr[volume, one, name] for volume in volumes]):.2f}" for name in names)
        for one in degradations
    )
    lines = [f"PSNR in the brain in dB, {' / '.join(f'`{name}`' for name in names)}:", ""]
    return lines + table(["volume", *degradations], [*cells, ["mean", *means]])


MAKERS = {one.__name__: one for one in (weights, verdict, detection, zero_filled, checkpoints)}
