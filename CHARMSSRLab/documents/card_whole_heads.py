"""Writes into the model cards, under "whole_heads", what the studies of whole heads say.

``python -m CHARMSSRLab.documents.card_whole_heads`` writes every card; with ``--check`` it writes nothing and its exit
status is 1 where one is not up to date.
"""

import argparse
import json
import sys
from pathlib import Path

from ..whole_volume.whole_heads_study import CHOSEN, CUBIC, REGIONS
from .whole_volume_tables import read

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "Resources" / "whole-volumes"
CARDS = REPOSITORY / "CHARMSSRLib" / "checkpoints"
# Of each checkpoint: the results of whole heads, and of scans as they came, where there are any.
MEASURED = {
    "charms-x2-clinical": ("whole-heads", "natively"),
    "charms-x2-bicubic": ("whole-heads-bicubic", None),
    "charms-x4-clinical": ("whole-heads-x4", None),
}
WAYS = {CUBIC: "cubic", "0 %": "as_measured", CHOSEN: "default"}
PROTOCOL = (
    "whole heads made coarse in their axial plane before any mask, then the product's whole path; {}; PSNR in"
    " dB in the brain, its interior and its rim (3 fine voxels): cubic interpolation, 0 % of the noise control where"
    " there is one (as_measured), and the default (docs/studies/whole-heads.md)"
)
NATIVELY = "; natively: scans as they came at the default, {}, in units of cubic interpolation"


def figures(heads, natively=None):
    """The card's part without what was tried: protocol, a row per volume and degradation, and the native figures.

    Args:
        heads: what study "whole-heads" wrote.
        natively: what study "natively" wrote, or None.
    """
    rows = {}
    for row in heads["rows"]:
        if row["way"] not in WAYS or REGIONS[0] not in row:
            continue
        one = rows.setdefault(
            (row["volume"], row["degradation"]), {"volume": row["volume"], "degradation": row["degradation"]}
        )
        if row["way"] == CHOSEN:
            one["denoise"] = row["denoise"]
        one.update({f"{region}_{WAYS[row['way']]}": round(row[region], 2) for region in REGIONS})
    part = {"protocol": PROTOCOL.format(_slices(heads)), "rows": list(rows.values())}
    if natively is not None:
        part["protocol"] += NATIVELY.format(_slices(natively))
        part["natively"] = [
            {"volume": row["volume"], "denoise": row["denoise"],
             **{key: round(row[key], 3) for key in ("snr", "noise", "edges")}}
            for row in natively["rows"] if row["way"] == CHOSEN
        ]  # fmt: skip
    return part


def _slices(content):
    count = content["setup"]["slices"]
    return f"{count} slices around the brain's middle" if count else "every slice"


def filled(name):
    """(path of a card, its text now, its text by the results); the same text where they were not measured yet."""
    path = CARDS / f"{name}.json"
    before = path.read_text(encoding="utf-8")
    if not all((RESULTS / f"{one}.json").is_file() for one in MEASURED[name] if one):
        return path, before, before
    heads, natively = (None if one is None else read(RESULTS / one) for one in MEASURED[name])
    card = json.loads(before)
    tried = card.get("whole_heads", {}).get("tried")
    card["whole_heads"] = {**figures(heads, natively), **({"tried": tried} if tried else {})}
    return path, before, json.dumps(card, indent=2, ensure_ascii=False) + "\n"


def write():
    """Write the cards anew where a result has changed."""
    for name in MEASURED:
        path, before, after = filled(name)
        if after != before:
            path.write_text(after, encoding="utf-8")


def outdated():
    """Paths of the cards that do not say what the results say."""
    return [path for path, before, after in map(filled, MEASURED) if before != after]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a card is not up to date")
    if parser.parse_args().check:
        return int(bool(outdated()))
    return write()


if __name__ == "__main__":
    sys.exit(main())
