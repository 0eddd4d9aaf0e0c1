"""The worker's report as a short table for the panel."""

from html import escape

from slicer.i18n import tr as _


def reportHeadline(report, resultNode):
    """Rich text of what a reader of the image wants to know: which volume, its voxels, the time, notes, warnings."""
    facts = [_("{size} mm").format(size=spacingText(resultNode.GetSpacing()))]
    seconds = _seconds(report.get("stages", {}))
    if seconds:
        facts.append(durationText(report["stages"].get("total", sum(seconds.values()))))
    lines = [f"<b>{escape(resultNode.GetName())}</b>", escape(", ".join(facts))]
    notes, warnings = remarks(report)
    return "<br>".join(lines + [escape(text) for text in notes] + [f"\u26a0 {escape(text)}" for text in warnings])


def remarks(report):
    """(notes, warnings): sentences on how it was done, and those that the result has to be judged by.

    The sentence on measured pixels stood among the warnings of reports that older scenes hold.
    """
    told = (report.get("resolution") or {}).get("sentence")
    warnings = report.get("warnings", [])
    notes = [text for text in warnings if text == told] + list(report.get("notes", []))
    return notes, [text for text in warnings if text != told]


def reportTable(report, inputNode, resultNode):
    """Rich text: one row per figure that the report has."""
    cells = "".join(
        f'<tr><td style="padding-right:8px">{escape(label)}</td><td>{escape(unbroken(value))}</td></tr>'
        for label, value in reportRows(report, inputNode, resultNode)
    )
    return f'<table cellspacing="0" cellpadding="1">{cells}</table>'


def reportRows(report, inputNode, resultNode):
    """(label, value) of each figure that the report has, as texts."""
    return [(label, value) for label, value in _rows(report, inputNode, resultNode) if value]


BACKEND_TITLES = {
    "synthstrip": "SynthStrip",
    "deepbet": "deepbet",
    "hd-bet": "HD-BET",
    "builtin": _("built-in"),
    "none": _("whole volume"),
}


PLANE_TITLES = {
    "axial": _("Banding, axial"),
    "coronal": _("Banding, coronal"),
    "sagittal": _("Banding, sagittal"),
}


def backendTitle(name):
    """How the panel calls a way to find the brain."""
    return BACKEND_TITLES.get(name, str(name or ""))


def remainingTime(seconds):
    """ "about 40 s left", or "" when unknown."""
    if seconds is None:
        return ""
    if seconds < 90:
        return _("about {seconds} s left").format(seconds=max(1, round(seconds)))
    return _("about {minutes} min left").format(minutes=round(seconds / 60))


def durationText(seconds):
    """ "34.2 s" or "6 min 54 s"."""
    if round(seconds, 1) < 60:
        return _("{seconds:.1f} s").format(seconds=seconds)
    return _("{minutes} min {seconds} s").format(minutes=round(seconds) // 60, seconds=round(seconds) % 60)


def spacingText(spacing):
    """Voxel size as text, without unit: "1 × 1 × 1.25"."""
    return " \u00d7 ".join(f"{round(step, 2):g}" for step in spacing)


def unbroken(text):
    """A text whose voxel sizes stay on one line when it is wrapped."""
    return text.replace(" \u00d7 ", "\u00a0\u00d7\u00a0").replace(" mm", "\u00a0mm")


def _rows(report, inputNode, resultNode):
    checkpoint = report.get("checkpoint", {})
    yield _("Model"), " \u00b7 ".join(str(checkpoint[key]) for key in ("name", "label") if checkpoint.get(key))
    if all(node is not None and node.GetImageData() is not None for node in (inputNode, resultNode)):
        yield (
            _("Voxels"),
            _("{before} \u2192 {after} mm").format(
                before=spacingText(inputNode.GetSpacing()), after=spacingText(resultNode.GetSpacing())
            ),
        )
    yield _("Slices"), _slices(report.get("slices", {}))
    yield _("Quality"), _("mean of turned copies") if report.get("quality") == "best" else ""
    yield _("Noise in even tissue"), _noise(report.get("noise") or {})
    yield _("Noise control"), str((report.get("noise") or {}).get("chosen") or "")
    yield _("Brain mask"), _mask(report.get("skull_strip") or {})
    yield _("Distance to the scan"), _consistency(report.get("data_consistency") or {})
    ratio = report.get("through_plane_gradient_ratio") or {}
    yield _("Through-plane detail"), _change(ratio, "input", "output", "{:.2f}".format)
    banding = report.get("banding") or {}
    yield _("Banding"), _change(banding, "input", "output", _small)
    for plane, figures in (banding.get("output_grid") or {}).items():
        yield PLANE_TITLES.get(plane, plane), _againstInterpolation(figures)
    engine = (report.get("engine") or {}).get("name")
    yield (
        _("Computed on"),
        ", ".join(str(one) for one in (report.get("device"), report.get("precision"), engine) if one),
    )
    yield _("Time"), _time(report.get("stages", {}))
    yield _("Memory"), _memory(report.get("peak_memory_bytes") or {})


def _slices(slices):
    if "enhanced" not in slices:
        return ""
    return _("{enhanced} enhanced, {skipped} without brain").format(
        enhanced=slices["enhanced"], skipped=slices.get("skipped", 0)
    )


def _noise(noise):
    """ "3.1 → 2.2 (control at 70 %)", in the units of the scan."""
    figures = _change(noise, "before", "after", "{:.3g}".format)
    if not figures or noise.get("denoise") is None:
        return figures
    return _("{figures} (control at {share} %)").format(figures=figures, share=noise["denoise"])


def _mask(strip):
    if strip.get("volume_ml") is None:
        return backendTitle(strip.get("backend"))
    return _("{backend}, {volume} mL").format(
        backend=backendTitle(strip.get("backend")), volume=round(strip["volume_ml"])
    )


def _change(values, first, last, text):
    known = [values[key] for key in (first, last) if values.get(key) is not None]
    if len(known) == 2 and known[0] != known[1]:
        return f"{text(known[0])} \u2192 {text(known[1])}"
    return text(known[-1]) if known else ""


def _consistency(figures):
    if figures.get("mode") == "none":
        return _("not measured")
    text = _change(figures, "before", "after", _percent)
    if text and figures.get("mode") == "project":
        return _("{figures}, corrected").format(figures=text)
    return text


def _againstInterpolation(figures):
    if figures.get("output") is None or figures.get("interpolation") is None:
        return ""
    return _("{result} (interpolation: {interpolation})").format(
        result=_small(figures["output"]), interpolation=_small(figures["interpolation"])
    )


def _small(value):
    return f"{value:.4f}"


def _percent(value):
    return f"{100 * value:.2f} %"


def _seconds(stages):
    return {name: value for name, value in stages.items() if isinstance(value, (int, float)) and name != "total"}


def _time(stages):
    seconds = _seconds(stages)
    if not seconds:
        return ""
    slowest = sorted(seconds, key=seconds.get, reverse=True)[:3]
    parts = ", ".join(f"{name.replace('_', ' ')} {seconds[name]:.0f} s" for name in slowest)
    return _("{total} ({parts})").format(total=durationText(stages.get("total", sum(seconds.values()))), parts=parts)


def _memory(peak):
    parts = []
    if peak.get("host"):
        parts.append(f"{peak['host'] / 1e9:.1f} GB")
    if peak.get("device"):
        parts.append(_("{size:.1f} GB on the GPU").format(size=peak["device"] / 1e9))
    return ", ".join(parts)
