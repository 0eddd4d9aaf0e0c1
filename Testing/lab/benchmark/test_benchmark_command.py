"""``charmssr benchmark``: parts, files, tables and the plot."""

import json
import math

import pytest

from CHARMSSRLab.benchmark import benchmark_files, benchmark_plan, growth
from CHARMSSRLab.benchmark import measure_parts as running
from CHARMSSRLab.cli import benchmark, build_parser, main
from CHARMSSRLib.cli import entry
from CHARMSSRLib.cli.entry import BAD_INPUT, DONE
from CHARMSSRLib.errors import BackendError, Cancelled, OutputError


def planned(*words):
    return benchmark._plan(build_parser().parse_args(["benchmark", "--device", "cpu", *words]))


def spread(value):
    return {"median": value, "iqr": 0.1 * value, "n": 3}


def job(seconds, **more):
    return {
        "seconds": spread(seconds), "stages": {name: spread(seconds / 4) for name in ("read", "network", "write")},
        "peak_bytes": 2**30, "threads": 2, **more,
    }  # fmt: skip


@pytest.fixture
def growth_result():
    volumes = [
        {"voxels": n**3, "size": [n] * 3, "threads": threads, "enhanced_pixels": n**3 // 3, "peak_bytes": 1e9 + n**3,
         **{key: job(2 + 1e-6 * n**3)[key] for key in ("seconds", "stages")}}
        for n, threads in ((64, 2), (96, 2), (128, 2), (64, 1))
    ]  # fmt: skip
    slices = [
        {"slices": n, "height": 32, "width": 32, "batch": 1, "seconds": spread(0.5 * n / threads), "threads": threads}
        for threads in (1, 2) for n in (2, 4, 8)
    ]  # fmt: skip
    return {"volumes": volumes, "slices": slices, "fits": growth.fits_of(volumes, slices, 2), "head": "generated"}


@pytest.fixture
def figures(growth_result):
    """As ``run`` returns them, every part present, with made-up numbers."""
    network = {"network": "CHARMS", "batch": 1, "height": 128, "width": 128, "gmac": 27.84,
               "milliseconds": spread(400.0), "ratio": spread(1.3), "share": spread(0.75),
               "floor_milliseconds": 300.0}  # fmt: skip
    slices = {"plane": "axial", "enhanced": 90, "skipped": 10, "frame_share": 0.4}
    own = job(60.0, slices=slices, skull_strip={"backend": "builtin"})
    results = {
        "limits": [{"what": "copy", "precision": "float32", "rate": spread(2e10), "unit": "bytes/s", "size": "4 MiB"}],
        "networks": {"precision": "float32", "rows": [network]},
        "operators": {"height": 128, "width": 128, "rows": [
            {"kind": "3x3 convolutions", "milliseconds": spread(300.0), "gmac": 24.0, "of_time": 0.8,
             "share": spread(0.9)},
            {"kind": "everything else", "milliseconds": spread(75.0), "gmac": 0.0, "of_time": 0.2, "share": None},
        ]},
        "stage": {"precision": "float32", "peak_device_bytes": None, "rows": [
            {"slices": 16, "height": 128, "width": 128, "batch": 1, "seconds": spread(8.0)}]},
        "enhancement": {"head": "generated", "size": [88, 128, 128], **own},
        "whole-job": {"head": "scan.nii.gz", "size": [176, 256, 256], "enhance": own, "naive": job(300.0),
                      "ratio": spread(0.2), "naive_slices": {"done": 40, "count": 256}, "runs": {}},
        "worker": {"head": "scan.nii.gz", "size": [176, 256, 256], "seconds": 55.0, "stages": {}, "peak_bytes": 2**31},
        "growth": growth_result,
    }  # fmt: skip
    part = {
        "machine": {"device": "cpu", "name": "Processor", "threads": 2, "instructions": "AVX512", "system": "Linux",
                    "python": "3.12", "torch": "2.13"},
        "measured": "2030-01-01T00:00:00", "took": 12.3, "checkpoint": {"name": "charms", "sha256": "ab" * 32},
        "quick": False, "version": "0",
    }  # fmt: skip
    return {
        "format": 1,
        "version": "0",
        "parts": {name: {**part, "result": results[name]} for name in benchmark_plan.PARTS},
    }


def numbers_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers_in(one)
    elif isinstance(value, (int, float)):
        yield value


def test_a_quick_run_measures_its_parts_and_keeps_those_of_before(tmp_path, capsys):
    words = ["benchmark", "--quick", "--device", "cpu", "--threads", "1", "--output", str(tmp_path)]
    small = ["--no-others", "--lr-size", "12", "--rounds", "1"]
    assert main([*words, *small, "--only", "limits", "operators"]) == DONE
    assert main([*words, *small, "--only", "stage"]) == DONE
    written = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    assert list(written["parts"]) == ["limits", "operators", "stage"]
    for part in written["parts"].values():
        assert part["quick"] and part["machine"]["threads"] == 1 and len(part["checkpoint"]["sha256"]) == 64
        numbers = list(numbers_in(part["result"]))
        assert numbers and all(math.isfinite(one) for one in numbers)
    text = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    assert "## Limits of the machine" in text and "## The slices of a volume" in text
    assert text.strip() in capsys.readouterr().out


def test_a_whole_enhancement_counts_all_of_its_process(tmp_path):
    words = "benchmark --quick --device cpu --threads 1 --only enhancement --skull-strip builtin --size 34 40 32"
    assert main([*words.split(), "--output", str(tmp_path)]) == DONE
    result = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))["parts"]["enhancement"]["result"]
    assert result["head"] == "generated" and result["size"] == [34, 40, 32]
    assert {"start and end", "read", "bias correction", "skull strip", "network", "write"} <= set(result["stages"])
    assert sum(one["median"] for one in result["stages"].values()) == pytest.approx(result["seconds"]["median"])
    assert result["threads"] == 1 and result["skull_strip"]["backend"] == "builtin"
    assert result["slices"]["enhanced"] + result["slices"]["skipped"] == 32
    assert 1e8 < result["peak_bytes"] < 1e10


def test_all_parts_have_a_table(figures):
    text = benchmark_files.as_markdown(figures)
    assert text.count("\n## ") == len(benchmark_plan.PARTS)
    assert "27.84" in text and "LR slice of 128 x 128" in text and "two FLOPs" in text
    assert "| copy | float32 | 4 MiB | 20.00 ± 2.00 GB/s |" in text
    assert "40 of 256 slices" in text and "**0.200 ± 0.020**" in text
    assert "at most 2.00 GiB" in text and "abababababab" in text
    assert "40 % of the volume's pixels" in text


def test_the_growth_of_proportional_work_is_a_straight_line(growth_result):
    fit = growth_result["fits"]["seconds"]
    assert fit["slope"] == pytest.approx(1e-6) and fit["offset"] == pytest.approx(2) and fit["r_squared"] > 0.9999
    assert growth_result["fits"]["slices"]["exponent"] == pytest.approx(1)


def test_the_plot_of_growth_is_drawn_with_the_files(figures, tmp_path):
    benchmark_files.write(figures, tmp_path)
    assert (tmp_path / benchmark_files.FIGURE).read_bytes().startswith(b"\x89PNG")
    assert running.read(tmp_path / benchmark_files.JSON)["parts"].keys() == figures["parts"].keys()


def test_growth_without_matplotlib_is_refused_before_the_work(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(BackendError, match="matplotlib"):
        benchmark_files.check(planned("--growth"))
    benchmark_files.check(planned())


@pytest.mark.parametrize("content", ["{}", "no json", '{"format": 99, "parts": {}}', "[]"])
def test_a_file_that_is_something_else_is_not_replaced(tmp_path, content):
    path = tmp_path / benchmark_files.JSON
    path.write_text(content, encoding="utf-8")
    with pytest.raises(OutputError, match="holds no figures"):
        running.read(path)
    assert main(["benchmark", "--quick", "--only", "limits", "--output", str(tmp_path)]) == BAD_INPUT
    assert path.read_text(encoding="utf-8") == content


def test_a_cancelled_benchmark_writes_nothing(tmp_path, monkeypatch):
    def cancelled(*arguments):
        raise Cancelled()

    monkeypatch.setattr("CHARMSSRLab.benchmark.measure_parts.run", cancelled)
    assert main(["benchmark", "--quick", "--output", str(tmp_path)]) == entry.CANCELLED
    assert not list(tmp_path.iterdir())


def test_what_is_asked_for_is_planned():
    assert planned().parts == benchmark_plan.USUAL_PARTS
    plan = benchmark_plan
    assert planned("--whole-job", "generated", "--growth").parts == (
        plan.LIMITS, plan.NETWORKS, plan.OPERATORS, plan.STAGE, plan.WHOLE_JOB, plan.WORKER, plan.GROWTH
    )  # fmt: skip
    assert planned("--only", "growth", "limits").parts == ("limits", "growth")
    assert planned("--quick").quick and planned("--quick").rounds < planned().rounds == 15
    assert planned().head_size == benchmark_plan.SMALL_SIZE
    assert planned("--whole-job", "generated").head_size == benchmark_plan.FULL_SIZE
    scan = planned("--whole-job", "scan.nii.gz")
    assert (scan.head, scan.head_size) == ("scan.nii.gz", None)
    assert planned("--whole-job", "scan.nii.gz", "--size", "60", "70", "80").head_size == (60, 70, 80)
    assert planned("--threads", "3").threads == 3
    assert planned("--only", "whole-job", "--naive-slices", "7").naive_slices == 7


def test_rounds_are_added_to_those_of_the_same_head_and_machine(monkeypatch):
    asked = []

    def compare(path, threads, checkpoint, strip, rounds, slices, earlier, *rest):
        asked.append(earlier)
        return {"runs": {"number": len(asked)}}

    monkeypatch.setattr("CHARMSSRLab.benchmark.whole_job.compare_whole_jobs", compare)
    words = ("--only", "whole-job", "--size", "32", "32", "32")
    figures = running.run(planned(*words))
    for more in (("--more-rounds",), (), ("--more-rounds", "--size", "32", "32", "34"), ("--more-rounds", "--quick")):
        figures = running.run(planned(*words, *more), figures)
    assert asked == [None, {"number": 1}, None, None, None]


def test_the_commands_parts_are_the_plans():
    assert set(benchmark.PARTS) == set(benchmark_plan.PARTS)


@pytest.mark.parametrize("words", ["--only speed", "--threads 0", "--rounds x", "--skull-strip none-such"])
def test_bad_usage_is_one_line(words, capsys):
    assert main(["benchmark", *words.split()]) == BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1
