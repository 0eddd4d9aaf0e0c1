"""Gains by site and degradation: does a network hold up on another scanner and another kind of blur?"""

from ..markdown_table import head, line
from ..training.sources import source_of

SPREAD_LIMIT = 2.0  # dB
LEAST_GAIN = -0.05  # dB, of any subject
ALL = "all sites"


def planes_mean(rows, figure="brain_psnr"):
    """dict (subject, contrast, degradation, method) -> mean of a figure over the planes; without rows that lack it."""
    values = {}
    for row in rows:
        if row.get(figure) not in (None, ""):
            key = row["subject"], row["contrast"], row["degradation"], row["method"]
            values.setdefault(key, []).append(float(row[figure]))
    return {key: sum(one) / len(one) for key, one in values.items()}


def pairs_of(means, method, baseline):
    """dict (subject, contrast, degradation) -> (method's figure, baseline's figure)."""
    return {
        key[:3]: (value, means[(*key[:3], baseline)])
        for key, value in means.items()
        if key[3] == method and (*key[:3], baseline) in means
    }


def gains(rows, method, baseline="bicubic", figure="brain_psnr"):
    """dict (subject, contrast, degradation) -> gain of the method over the baseline in dB."""
    return {key: ours - theirs for key, (ours, theirs) in
            pairs_of(planes_mean(rows, figure), method, baseline).items()}  # fmt: skip


def by_site(gained):
    """dict (site, contrast) -> dict degradation -> list of gains; then ``ALL`` sites of each contrast.

    Subjects of no known source share one site.
    """
    table, together = {}, {}
    for (subject, contrast, degradation), gain in gained.items():
        for into, site in ((table, source_of(subject).name), (together, ALL)):
            into.setdefault((site, contrast), {}).setdefault(degradation, []).append(gain)
    return {**table, **together}


def verdict(gained):
    """What is asked of a network for routine scans, as figures.

    Returns:
        dict: "sites" and "degradations": spread (most - least, dB) of the means by site (all its contrasts) and by
        degradation; "cells": spread of the means by site, contrast and degradation; "least": the least gain of a
        volume, and "least_of": which one.
    """
    sites, degradations, cells = {}, {}, {}
    for (subject, contrast, degradation), gain in gained.items():
        site = source_of(subject).name
        sites.setdefault(site, []).append(gain)
        degradations.setdefault(degradation, []).append(gain)
        cells.setdefault((site, contrast, degradation), []).append(gain)
    least_of = min(gained, key=gained.get)
    return {"sites": _spread(sites), "degradations": _spread(degradations), "cells": _spread(cells),
            "least": gained[least_of], "least_of": least_of}  # fmt: skip


def site_section(rows, method, baseline="bicubic"):
    """Lines of Markdown: mean gain by site and degradation, spreads and the least gain."""
    gained = gains(rows, method, baseline)
    degradations = list(dict.fromkeys(degradation for _, _, degradation in gained))
    lines = [f"## Gain of {method} over {baseline} by site and degradation", "",
             "Brain PSNR (dB), mean over subjects; in brackets the least of a subject.", "",
             *head(["site", "contrast", "subjects", *degradations])]  # fmt: skip
    for (site, contrast), own in by_site(gained).items():
        cells = [f"{sum(one) / len(one):+.2f} ({min(one):+.2f})" if one else ""
                 for one in (own.get(degradation, []) for degradation in degradations)]  # fmt: skip
        lines.append(line([site, contrast, max(map(len, own.values())), *cells]))
    found = verdict(gained)
    subject, contrast, degradation = found["least_of"]
    return [
        *lines, "",
        f"- Spread over the sites {found['sites']:.2f} dB, over the degradations {found['degradations']:.2f} dB (at"
        f" most {SPREAD_LIMIT:g} dB is wanted of a network for routine scans), over all cells {found['cells']:.2f} dB.",
        f"- Least gain of a subject: {found['least']:+.2f} dB ({subject} {contrast}, {degradation}); wanted is"
        f" {LEAST_GAIN:+.2f} dB or more.",
    ]  # fmt: skip


def _spread(groups):
    means = [sum(values) / len(values) for values in groups.values()]
    return max(means) - min(means)
