"""Figures in words."""

import pytest


@pytest.fixture
def text(slicerModule):
    from CHARMSSRModule.panel import report_text

    return report_text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (34.21, "34.2 s"), (59.97, "1 min 0 s"), (60, "1 min 0 s"), (414, "6 min 54 s")],
)
def test_durations_are_easy_to_read(text, seconds, expected):
    assert text.durationText(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, ""), (0.2, "about 1 s left"), (12.4, "about 12 s left"), (250, "about 4 min left")],
)
def test_remaining_time_is_rounded_more_the_longer_it_is(text, seconds, expected):
    assert text.remainingTime(seconds) == expected


def test_figures_that_a_report_lacks_leave_no_row(text, head):
    table = text.reportTable({"checkpoint": {"name": "mine"}}, None, head)
    assert table.count("<tr>") == 1 and "mine" in table


def test_names_from_files_cannot_inject_markup(text, head):
    report = {"checkpoint": {"name": "<img src=x>"}, "warnings": ["<b>"]}
    head.SetName("<u>head")
    texts = text.reportTable(report, None, head) + text.reportHeadline(report, head)
    assert "<img" not in texts and "&lt;b&gt;" in texts and "<u>" not in texts


def test_changes_show_both_figures_only_when_they_differ(text, head):
    report = {"data_consistency": {"before": 0.05, "after": 0.01}, "banding": {"input": 0.002, "output": 0.002}}
    table = text.reportTable(report, None, head)
    assert "5.00 % → 1.00 %" in table and table.count("→") == 1


def test_the_distance_to_the_scan_says_what_was_done_about_it(text, head):
    def row(**figures):
        return text.reportTable({"data_consistency": figures}, None, head)

    assert "2.13 % → 0.04 %, corrected" in row(mode="project", before=0.0213, after=0.0004)
    assert "2.13 %<" in row(mode="report", before=0.0213, after=0.0213)
    assert "not measured" in row(mode="none", before=None, after=None)


def test_figures_of_three_directions_are_told_for_each(text, head):
    report = {
        "banding": {
            "input": 0.002, "output": 0.0021,
            "output_grid": {"axial": {"output": 0.003, "interpolation": 0.0031}, "coronal": {"output": None}},
        },
        "through_plane_gradient_ratio": {"input": 0.8123, "output": 0.6},
    }  # fmt: skip
    table = text.reportTable(report, None, head)
    assert "0.0020 → 0.0021" in table and "0.81 → 0.60" in table
    assert "0.0030 (interpolation: 0.0031)" in table and "Banding, axial" in table
    assert "Banding, coronal" not in table


def test_a_ratio_that_could_not_be_measured_leaves_no_row(text, head):
    assert "Through-plane" not in text.reportTable({"through_plane_gradient_ratio": {"input": None}}, None, head)


def test_only_what_the_result_must_be_judged_by_carries_the_sign_of_a_warning(text, head):
    told = "The pixels are interpolated: 0.90 mm stated, 1.35 mm measured. Enhanced from the measured ones."
    report = {
        "notes": [told, "Memory was short."],
        "warnings": ["The mask is small."],
        "resolution": {"sentence": told},
    }
    lines = text.reportHeadline(report, head).split("<br>")
    assert [line for line in lines if "\u26a0" in line] == ["\u26a0 The mask is small."]
    assert lines[-3:-1] == [told, "Memory was short."]
    older = {"warnings": [told, "The mask is small."], "resolution": {"sentence": told}}  # of a scene of last year
    assert text.remarks(older) == ([told], ["The mask is small."])
    assert text.remarks({}) == ([], [])
