"""The cards and the README say of whole heads what the committed results say."""

import json
import re

import pytest

from CHARMSSRLab.documents import card_whole_heads
from CHARMSSRLab.documents.card_whole_heads import REPOSITORY, RESULTS, figures, filled, outdated
from CHARMSSRLab.documents.whole_volume_tables import read
from CHARMSSRLab.whole_volume.whole_heads_study import CHOSEN, gains


def test_the_cards_are_up_to_date():
    assert outdated() == [], "run: python -m CHARMSSRLab.documents.card_whole_heads"


def test_a_card_has_each_volume_once_and_keeps_what_was_tried(tmp_path, monkeypatch):
    heads = [
        {"volume": "A_T1w", "degradation": "kspace", "way": way, "denoise": share, "brain": psnr, "interior": 30.0,
         "rim": 20.0}
        for way, share, psnr in (("cubic", None, 25.0), ("default", 65, 26.123), ("0 %", 0, 26.5))
    ]  # fmt: skip
    slab_alone = {"volume": "A_T1w", "degradation": "kspace", "way": "100 %", "denoise": 100, "slab_brain": 25.0}
    native = [{"volume": "A_T1w", "way": way, "denoise": 65, "snr": 1.23456, "noise": 0.9, "edges": 1.1}
              for way in ("default", "0 %")]  # fmt: skip
    heads, native = (
        {"rows": rows, "setup": {"slices": slices}} for rows, slices in (([*heads, slab_alone], None), (native, 32))
    )
    part = figures(heads, native)
    assert "every slice" in part["protocol"] and "at the default, 32 slices" in part["protocol"]
    (row,) = part["rows"]
    assert (row["denoise"], row["brain_cubic"], row["brain_default"], row["brain_as_measured"]) == (65, 25, 26.12, 26.5)
    assert part["natively"] == [{"volume": "A_T1w", "denoise": 65, "snr": 1.235, "noise": 0.9, "edges": 1.1}]

    monkeypatch.setattr(card_whole_heads, "CARDS", tmp_path)
    monkeypatch.setattr(card_whole_heads, "RESULTS", tmp_path)
    monkeypatch.setattr(card_whole_heads, "MEASURED", {"one": ("heads", None)})
    (tmp_path / "heads.json").write_text(json.dumps(heads))
    (tmp_path / "one.json").write_text(json.dumps({"name": "one", "whole_heads": {"rows": [], "tried": "much"}}))
    card_whole_heads.write()
    card = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))
    assert card["whole_heads"]["rows"] == part["rows"] and card["whole_heads"]["tried"] == "much"
    assert outdated() == [] and filled("one")[1] == filled("one")[2]


@pytest.fixture(scope="module")
def readme():
    """The README's text in one line."""
    return re.sub(r"\s+", " ", (REPOSITORY / "README.md").read_text(encoding="utf-8"))


def span(values, form=".1f"):
    return f"{min(values):{form}} to {max(values):{form}}"


def test_the_readme_says_what_whole_heads_gain(readme):
    rows = read(RESULTS / "whole-heads")["rows"]

    def gained(way, region):
        return [value for one in ("kspace", "clinical") for value in gains(rows, one, way, region).values()]

    brain, rim = (span(gained("0 %", region)) for region in ("brain", "rim"))
    assert f"gains {brain} dB over cubic interpolation in the brain and {rim} dB in the rim of three voxels" in readme
    brain, rim = (span(gained(CHOSEN, region)) for region in ("brain", "rim"))
    assert f"by default {brain} and {rim} dB" in readme


def test_the_readme_says_what_becomes_of_noise_and_edges(readme):
    rows = [row for row in read(RESULTS / "natively")["rows"] if row["way"] == CHOSEN]
    snr, noise, edges = ([row[key] for row in rows] for key in ("snr", "noise", "edges"))
    assert f"{span(snr)} times that of cubic interpolation" in readme
    assert f"weak noise among fine structures {span(noise, '.2f')} times as strong" in readme
    sharp = sum(one > 1.05 for one in edges)
    assert f"edges {span(edges, '.2f')} times as steep (above 1.05 in {sharp} of {len(edges)})" in readme
