"""Figures of the attention maps: those of the losses, for the pair of the ablation."""

import csv
import io

import numpy as np
import pytest
import torch

from CHARMSSRLab.comparison import attention_study
from CHARMSSRLab.comparison.contest import Contestant
from CHARMSSRLab.training.prepared import PreparedVolume
from CHARMSSRLib import CHARMS
from CHARMSSRLib.learning.losses import attention_regularisation
from CHARMSSRLib.network.attention_maps import attention_maps


def volume():
    rng = np.random.default_rng(0)
    mask = np.zeros((6, 40, 36), bool)
    mask[:, 6:34, 6:30] = True
    slices = np.where(mask, 100 + 50 * rng.random(mask.shape), 0).astype(np.float32)
    return PreparedVolume(slices, mask, 100.0, 150.0, 150.0, (1.0, 1.0, 1.0), "a", "T1w", "val", "axial")


def contestant(title, seed):
    torch.manual_seed(seed)
    return Contestant(title, "", CHARMS(2, blocks=1, units=2).eval(), "minmax")


def test_the_figures_make_up_the_regularisation():
    network, slices = contestant("one", 0).network, torch.rand(2, 1, 24, 20)
    figures = attention_study.map_figures(network, slices)
    with torch.no_grad():
        loss = attention_regularisation(attention_maps(network, slices)[1])
    # NETWORK: the CNN's focus is the mean over its ESA maps (2 here) and PCA maps (1).
    cnn = (2 * figures["focus_esa"] + figures["focus_pca"]) / 3
    rest = figures["redundancy_esa"] + figures["focus_transformer"] + figures["redundancy_transformer"]
    assert (cnn + rest) / 4 == pytest.approx(float(loss), rel=1e-5)
    assert figures["l_ar"] == pytest.approx(float(loss), rel=1e-6)


def test_parts_that_a_network_lacks_have_no_figures():
    network = CHARMS(2, blocks=1, units=2, pixel_channel_attention=False, transformer=False)
    figures = attention_study.map_figures(network, torch.rand(1, 1, 24, 20))
    assert set(figures) == {"focus_esa", "redundancy_esa", "l_ar"}


def test_table_csv_and_figure(tmp_path):
    pair = [contestant("without", 0), contestant("with", 1)]
    rows = attention_study.study_attention(pair, [volume()], "bicubic", 2, slices=2)
    assert [row["network"] for row in rows] == ["without", "with"]
    assert rows[0]["focus_esa"] != rows[1]["focus_esa"]
    stored = list(csv.DictReader(io.StringIO(attention_study.attention_csv(rows))))
    lines = attention_study.attention_table(stored)
    assert lines[2].startswith(f"| without | {rows[0]['focus_esa']:.3f} |")
    attention_study.draw_attention(pair, volume(), "bicubic", 2, tmp_path / "attention.png")
    assert (tmp_path / "attention.png").read_bytes().startswith(b"\x89PNG")
