"""What a fine-tuning found, in plain words for the panel; and the short form of it that a scene keeps."""

import json
import os
from html import escape

from slicer.i18n import tr as _

from .colours import GOOD, WARNING, colour
from .report_text import durationText

# The library's names of what is compared with the 7T scan, in the order of the table.
METHOD_TITLES = {
    "3T interpolated": _("3T, interpolated"),
    "3T intensity-matched": _("3T, intensity-matched"),
    "checkpoint before": _("Model before"),
    "checkpoint after": _("Model after"),
}
_KEPT = ("verdict", "baseline_beaten", "cancelled", "notes", "warnings", "counts", "steps", "best_step", "stopped",
         "seconds", "hold_out", "summary", "files")  # fmt: skip


def shortResult(job):
    """JSON of what the panel shows of a job that has ended with a checkpoint or a report; "" if it has neither."""
    if job.checkpointPath is None and not job.report:
        return ""
    report = {key: job.report[key] for key in _KEPT if key in job.report}
    return json.dumps({"name": job.name, "checkpointPath": job.checkpointPath, "report": report})


def readResult(text):
    """Dictionary of shortResult's text; {} if there is none."""
    try:
        result = json.loads(text) if text else {}
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def pageOf(result):
    """Path of the report's page, if it is on this computer, else ""."""
    path = ((result.get("report") or {}).get("files") or {}).get("page") or ""
    return path if os.path.isfile(path) else ""


def resultText(result):
    """Rich text of a result."""
    if not result:
        return ""
    report = result.get("report") or {}
    parts = [_title(result)]
    if report.get("verdict"):
        parts.append(_coloured(report["verdict"], report.get("baseline_beaten")))
    parts += [_scores(report.get("summary") or {}), _facts(report)]
    parts += [f"<p><i>{escape(note)}</i></p>" for note in report.get("notes", [])]
    parts += [f"<p>\u26a0 {escape(warning)}</p>" for warning in report.get("warnings", [])]
    return "".join(part for part in parts if part)


def _title(result):
    if result.get("checkpointPath"):
        return _("<b>{name}</b> (7T-like)").format(name=escape(result.get("name", "")))
    return _("<b>{name}</b>: no model was written").format(name=escape(result.get("name", "")))


def _coloured(sentence, beaten):
    if beaten is None:
        return f"<p>{escape(sentence)}</p>"
    return f'<p style="color:{colour(GOOD if beaten else WARNING)}">{escape(sentence)}</p>'


def _scores(summary):
    """PSNR and SSIM against the 7T scans that were held out."""
    rows = []
    for method, title in METHOD_TITLES.items():
        figures = [_figure(summary.get(method) or {}, name, digits) for name, digits in (("psnr", 2), ("ssim", 3))]
        if any(figures):
            cells = [f'<td style="padding-right:8px">{escape(title)}</td>']
            cells += [f'<td style="padding-right:8px; white-space:nowrap">{escape(figure)}</td>' for figure in figures]
            rows.append("".join(cells))
    if not rows:
        return ""
    header = "".join(
        f'<td style="padding-right:8px"><i>{escape(text)}</i></td>'
        for text in (_("Against the 7T"), _("PSNR (dB)"), _("SSIM"))
    )
    return '<table cellspacing="0" cellpadding="1"><tr>' + "</tr><tr>".join([header, *rows]) + "</tr></table>"


def _figure(figures, name, digits):
    value = figures.get(name) or {}
    if value.get("mean") is None:
        return ""
    text = f"{value['mean']:.{digits}f}"
    return f"{text} \u00b1 {value['sd']:.{digits}f}" if value.get("sd") is not None else text


def _facts(report):
    counts, facts = report.get("counts") or {}, []
    if counts.get("training") is not None:
        facts.append(
            _("Pairs: {training} trained on, {held} held out, {refused} refused.").format(
                training=counts["training"], held=counts.get("held_out", 0), refused=counts.get("refused", 0)
            )
        )
    if report.get("steps") is not None:
        facts.append(
            _("Steps: {steps}, the best after {best}.").format(
                steps=report["steps"], best=report.get("best_step", report["steps"])
            )
        )
    if report.get("seconds") is not None:
        facts.append(_("Time: {time}.").format(time=durationText(report["seconds"])))
    return f"<p>{escape(' '.join(facts))}</p>" if facts else ""
