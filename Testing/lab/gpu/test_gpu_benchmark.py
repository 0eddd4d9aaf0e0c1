"""The benchmark's script on the CPU with tiny settings."""

import json
import sys

from CHARMSSRLab.gpu import benchmark


def test_the_script_writes_the_figures_of_every_batch(tmp_path, monkeypatch):
    words = "--device cpu --quick --size 4 --batches 1 2 --rounds 1 --slices 3 --out".split()
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *words, str(tmp_path / "out")])
    benchmark.main()
    parts = json.loads((tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8"))["parts"]
    assert list(parts) == ["limits", "networks", "stage"]
    assert {row["batch"] for row in parts["networks"]["result"]["rows"]} == {1, 2}
    assert [row["batch"] for row in parts["stage"]["result"]["rows"]] == [1, 2]
    assert "| EDSR 16 x 64" in (tmp_path / "out" / "benchmark.md").read_text(encoding="utf-8")


def test_one_part_leaves_the_others_out(tmp_path, monkeypatch):
    words = "--device cpu --quick --only stage --size 12 --batches 1 --slices 2 --out".split()
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *words, str(tmp_path)])
    benchmark.main()
    assert list(json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))["parts"]) == ["stage"]
    text = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    assert "| 2 of 12 x 12 | 1 |" in text and "EDSR" not in text
