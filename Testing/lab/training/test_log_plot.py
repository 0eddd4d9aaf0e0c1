"""The log of a run as a picture; a run goes on without one."""

import sys

from CHARMSSRLab.training.log_plot import column, plot_log, read_log

LOG = """step,seconds,learning_rate,l1,ar,psnr,bicubic_psnr,psnr_ema
10,1.0,0.0004,0.030,0.2,25.0,24.0,
20,2.0,0.0002,0.020,0.2,26.0,24.0,26.5
"""


def test_the_log_is_drawn_beside_it(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    assert plot_log(tmp_path / "log.csv")
    assert (tmp_path / "log.png").read_bytes().startswith(b"\x89PNG")
    assert column(read_log(tmp_path / "log.csv"), "psnr_ema") == ([20.0], [26.5])


def test_a_log_without_validation_is_drawn_too(tmp_path):
    (tmp_path / "log.csv").write_text("step,seconds,learning_rate,l1,ar,psnr,bicubic_psnr,psnr_ema\n5,1,0.1,0.3,0,,,\n")
    assert plot_log(tmp_path / "log.csv")


def test_without_matplotlib_nothing_happens(tmp_path, monkeypatch):
    (tmp_path / "log.csv").write_text(LOG)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not plot_log(tmp_path / "log.csv")
    assert not (tmp_path / "log.png").exists()


def test_a_missing_log_stops_nothing(tmp_path):
    assert not plot_log(tmp_path / "log.csv")
