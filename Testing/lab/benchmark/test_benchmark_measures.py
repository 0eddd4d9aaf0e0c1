"""What the benchmark computes from times: turns, ratios, floors, arithmetic. No test looks at a speed."""

import math
import subprocess
import sys
import time

import pytest
import torch

from CHARMSSRLab.benchmark import growth, limits, networks, operators
from CHARMSSRLab.benchmark.benchmark_plan import quick_plan
from CHARMSSRLab.benchmark.engines import NCNN, default_model
from CHARMSSRLab.benchmark.floors import count_moved_bytes, floor_seconds
from CHARMSSRLab.benchmark.stage import measure_stage
from CHARMSSRLab.costs import clocks, timing
from CHARMSSRLab.costs.macs import count_macs
from CHARMSSRLab.methods.edsr import EDSR
from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.network.charms import CHARMS
from CHARMSSRLib.task import Task


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the functions under measurement put forward: clock.tick(seconds)."""

    class Clock:
        now = 100.0

        def tick(self, seconds):
            self.now += seconds

    own = Clock()
    monkeypatch.setattr(clocks.time, "perf_counter", lambda: own.now)
    return own


@pytest.fixture
def small_network():
    return CHARMS(2, blocks=1, units=1).eval()


def test_a_spread_holds_median_and_quartiles():
    spread = timing.Spread.of([5.0, 1.0, 3.0, 2.0, 4.0])
    assert (spread.median, spread.lower, spread.upper, spread.count) == (3.0, 2.0, 4.0, 5)
    assert spread.as_dict() == {"median": 3.0, "iqr": 2.0, "n": 5}
    assert timing.Spread.of([7.0]).as_dict() == {"median": 7.0, "iqr": 0.0, "n": 1}
    rate = spread.as_rate(12.0)
    assert (rate.lower, rate.median, rate.upper) == (3.0, 4.0, 6.0)
    with pytest.raises(ValueError, match="nothing"):
        timing.Spread.of([])


def test_functions_take_turns_and_every_second_round_is_reversed(clock):
    calls = []
    work = {name: lambda name=name: (calls.append(name), clock.tick(1.0)) for name in "abc"}
    times = timing.take_turns(work, rounds=3)
    assert "".join(calls) == "abc" + "abc" + "cba" + "abc"  # the first three warm up
    assert times == {name: {0: 1.0, 1: 1.0, 2: 1.0} for name in "abc"}


def test_what_is_slow_sits_rounds_out_but_has_three_turns(clock):
    work = {"quick": lambda: clock.tick(0.1), "slow": lambda: clock.tick(2.0), "slowest": lambda: clock.tick(50.0)}
    times = timing.take_turns(work, rounds=15, seconds_each=10.0)
    assert [len(times[name]) for name in work] == [15, 5, 3]
    assert list(times["slow"]) == [0, 3, 6, 9, 12]
    assert timing.paired_ratio(times, "slow", "quick").count == 5


def test_a_ratio_is_the_median_of_pairs_not_the_ratio_of_medians():
    times = {"a": {0: 2.0, 1: 30.0, 2: 8.0, 5: 1.0}, "b": {0: 1.0, 1: 10.0, 2: 2.0}}
    assert timing.paired_ratio(times, "a", "b").as_dict() == {"median": 3.0, "iqr": 1.0, "n": 3}


def test_measuring_can_be_cancelled():
    with pytest.raises(Cancelled):
        timing.take_turns({"a": lambda: None}, task=Task(is_cancelled=lambda: True))


def test_the_floor_is_arithmetic_or_traffic_whichever_takes_longer():
    assert floor_seconds(50, 100.0) == 1.0
    assert floor_seconds(50, 100.0, moved=500, copy_rate=100.0) == 5.0
    assert floor_seconds(50, 100.0, moved=50, copy_rate=100.0) == 1.0


def test_views_move_no_bytes_and_operations_what_they_read_and_write():
    def network(image):
        return image.view(4, 4).t().add(1.0).relu_()

    # add reads and writes 16 numbers; relu_ has its tensor as input and as output.
    assert count_moved_bytes(network, torch.zeros(16)) == 4 * (16 + 16 + 16 + 16)


def test_limits_are_finite_rates_of_this_machine():
    rows = limits.measure_limits("cpu", quick=True, rounds=1)
    expected = 2 * len(limits.precisions(torch.device("cpu"))) + 1
    assert len(rows) == expected
    assert all(0 < row["rate"]["median"] < math.inf and row["size"] for row in rows)


def test_a_product_and_a_copy_say_how_much_they_do():
    size, _, _, copied = limits.QUICK_SIZES["cpu"]
    function, flops = limits.product(torch.device("cpu"), torch.float32, quick=True)
    assert function().shape == (size, size) and flops == 2 * size**3
    function, moved = limits.copy_numbers(torch.device("cpu"), quick=True)
    assert function().numel() == copied and moved == 2 * 4 * copied


def test_networks_are_counted_and_compared_in_pairs(small_network, monkeypatch):
    monkeypatch.setattr(EDSR, "original", classmethod(lambda cls, scale: cls(scale, blocks=1)))
    plan = quick_plan(
        parts=(), device=torch.device("cpu"), checkpoint="", threads=1, lr_size=12, rounds=2, seconds_each=math.inf,
        others=False,
    )  # fmt: skip
    rows = networks.measure_networks(small_network, plan, torch.float32, batch=2)
    names = [row["network"] for row in rows]
    assert names[:4] == [networks.TRAINED, networks.TRAINED_CHANNELS_LAST, networks.INFERENCE, NCNN]
    assert names[-2:] == [networks.EDSR_TABLE_2, networks.EDSR_ORIGINAL]
    for row in rows:
        assert (row["batch"], row["height"], row["width"]) == (2, 12, 12)
        assert all(0 < row[key]["median"] < math.inf for key in ("milliseconds", "ratio", "share"))
        assert 0 < row["floor_milliseconds"] < math.inf
    by_name = {row["network"]: row for row in rows}
    charms, edsr = by_name[networks.INFERENCE], by_name[networks.EDSR_TABLE_2]
    assert edsr["ratio"] == {"median": 1.0, "iqr": 0.0, "n": 2}
    assert charms["gmac"] == count_macs(small_network, 12, 12) / 1e9
    assert charms["floor_milliseconds"] / edsr["floor_milliseconds"] == pytest.approx(charms["gmac"] / edsr["gmac"])


def test_a_share_of_the_peak_is_arithmetic_over_time():
    times = {networks.PRODUCT: {0: 2.0, 1: 4.0}, "net": {0: 8.0, 1: 8.0}}
    # A network of three products' arithmetic that takes four products' time reaches 75 %.
    assert networks._share(times, "net", 3)["median"] == pytest.approx((0.75 + 1.5) / 2)


def test_operators_hold_all_of_a_networks_arithmetic_and_time(small_network):
    rows = operators.profile_operators(small_network.for_inference(), 24, 32, rounds=1, quick=True)
    assert [row["kind"] for row in rows] == list(operators.OPERATOR_KINDS)
    assert sum(row["of_time"] for row in rows) == pytest.approx(1)
    whole = count_macs(small_network, 24, 32) / 1e9
    # The form for inference folds the grouped shuffle; the rest of its arithmetic is the network's.
    assert sum(row["gmac"] for row in rows) == pytest.approx(whole, rel=0.05)
    assert rows[0]["gmac"] > 0.6 * whole and rows[0]["share"]["median"] > 0
    assert rows[-1]["share"] is None


def test_the_stage_says_what_it_did(small_network):
    row = measure_stage(small_network, torch.device("cpu"), torch.float32, 3, 12, 16, rounds=1)
    assert (row["slices"], row["height"], row["width"], row["batch"]) == (3, 12, 16, 1)
    assert row["seconds"]["n"] == 1 and row["seconds"]["median"] > 0


def test_a_straight_line_is_found_and_judged():
    fit = growth.straight_line([1, 2, 4], [5.0, 7.0, 11.0])
    assert (fit["slope"], fit["offset"], fit["r_squared"]) == pytest.approx((2.0, 3.0, 1.0))
    assert fit["exponent"] < 1
    assert growth.straight_line([1, 2, 4], [3.0, 6.0, 12.0])["exponent"] == pytest.approx(1)
    quadratic = growth.straight_line([1, 2, 3, 4], [1.0, 4.0, 9.0, 16.0])
    assert quadratic["r_squared"] < 0.99 and quadratic["exponent"] == pytest.approx(2)
    assert growth.straight_line([1, 2], [3.0, 3.0])["r_squared"] == 1.0


def test_the_processor_s_clock_does_not_count_waiting():
    with clocks.by_clock(clocks.PROCESSOR):
        begun = clocks.now()
        time.sleep(0.2)
        waited = clocks.now() - begun
        assert clocks.chosen() == clocks.PROCESSOR
    assert waited < 0.15 and clocks.chosen() == clocks.WALL


def test_a_volume_s_slices_are_measured_with_the_engine_that_enhance_takes(small_network):
    row = measure_stage(small_network, "cpu", torch.float32, 2, 16, 12, rounds=1)
    assert row["engine"] == "ncnn" and row["seconds"]["median"] > 0
    assert default_model(small_network, "cpu", torch.bfloat16).engine == "torch"


def test_a_process_that_is_timed_loads_no_torch():
    code = "import CHARMSSRLab.benchmark.timed_enhancement, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
