"""The figures of a benchmark as Markdown."""

from ..costs.clocks import PROCESSOR
from ..markdown_table import head, line
from .benchmark_plan import ENHANCEMENT, GROWTH, LIMITS, NETWORKS, OPERATORS, STAGE, WHOLE_JOB, WORKER
from .limits import COPY

GIBI = 2**30


def as_markdown(figures):
    """A section per part that was measured; ``figures`` as ``run`` returns them."""
    lines = [
        "# What this machine can do, and how near CHARMS comes to it",
        "",
        "Medians ± interquartile range. Sizes are those of the low-resolution (LR) slices that the network reads. GMAC:"
        " 10^9 multiply-accumulates of one slice; each is two FLOPs.",
    ]
    for name, part in figures["parts"].items():
        title, table = _TABLES[name]
        lines += ["", f"## {title}", "", *table(part["result"]), "", _origin(part)]
    return "\n".join(lines) + "\n"


def _origin(part):
    machine, checkpoint = part["machine"], part["checkpoint"]
    where = machine["name"] if machine["device"] != "cpu" else f"{machine['name']} ({machine['instructions']})"
    threads = f"{machine['threads']} CPU thread{'s' if machine['threads'] > 1 else ''}"
    clock = " Seconds of the processor, all threads together." if part.get("clock") == PROCESSOR else ""
    quick = " A quick look: small sizes and few turns." if part["quick"] else ""
    return (
        f"*{where}, {threads}, torch {machine['torch']}, CHARMSSR {part['version']};"
        f" {checkpoint['name']} ({checkpoint['sha256'][:12]}); {part['measured']}, in {part['took']:.0f} s."
        f"{clock}{quick}*"
    )


def _limits(rows):
    lines = _head("limit", "precision", "size", "rate")
    for row in rows:
        scale, unit = (1e9, "GB/s") if row["what"] == COPY else (1e9, "GFLOP/s")
        lines.append(_row(row["what"], row["precision"], row["size"], f"{_spread(row['rate'], 1 / scale)} {unit}"))
    return lines


def _networks(result):
    rows = result["rows"]
    size = f"{rows[0]['height']} x {rows[0]['width']}"
    lines = [
        f"One LR slice of {size}, {result['precision']}. Ratio: time to that of EDSR 16 x 64, in pairs of neighbouring"
        " turns. Share: of the matrix product's rate. Floor: the multiply-accumulates at that rate"
        " (on a GPU, if larger, the bytes of unfused operations at the rate of a copy).",
        "",
        *_head("network", "batch", "GMAC", "ms per slice", "floor, ms", "ratio", "share of peak", "turns"),
    ]
    for row in rows:
        time = row["milliseconds"]
        lines.append(_row(row["network"], row["batch"], f"{row['gmac']:.2f}", _spread(time),
                          f"{row['floor_milliseconds']:.3g}", _spread(row["ratio"]), _percent(row["share"]), time["n"])
                    )  # fmt: skip
    return lines


def _operators(result):
    lines = [
        f"The form for inference, one LR slice of {result['height']} x {result['width']}, float32, under a profiler.",
        "",
        *_head("operators", "GMAC", "ms", "share of time", "share of peak"),
    ]
    for row in result["rows"]:
        of_time, share = f"{100 * row['of_time']:.0f} %", _percent(row["share"]) if row["share"] else ""
        lines.append(_row(row["kind"], f"{row['gmac']:.2f}", _spread(row["milliseconds"]), of_time, share))
    return lines


def _stage(result):
    lines = [
        f"As `enhance` runs them, host array to host array, {result['precision']}.",
        "",
        *_head("LR slices", "batch", "seconds", "ms per slice"),
    ]
    for row in result["rows"]:
        seconds, count = row["seconds"], row["slices"]
        lines.append(_row(f"{count} of {row['height']} x {row['width']}", row["batch"], _spread(seconds),
                          f"{1000 * seconds['median'] / count:.3g}"))  # fmt: skip
    if result["peak_device_bytes"]:
        lines += ["", f"Peak memory of the device: {result['peak_device_bytes'] / GIBI:.2f} GiB."]
    return lines


def _enhancement(result):
    return [_input(result), "", *_stage_table({"enhance": result})]


def _whole_job(result):
    naive = result["naive_slices"]
    lines = [
        _input(result)
        + " The naive way: N4 with SimpleITK's defaults at shrink 2, the same skull-strip, every slice at its full"
        " frame, one by one, through the network as trained.",
        "",
        *_stage_table({"enhance": result["enhance"], "naive": result["naive"]}),
        "",
        f"Enhance / naive: **{_spread(result['ratio'])}** ({result['ratio']['n']} pairs).",
    ]
    if naive["done"] < naive["count"]:
        lines.append(
            f"The naive network stage is extrapolated: {naive['done']} of {naive['count']} slices, evenly spread, were"
            " computed; their time was multiplied accordingly."
        )
    return lines


def _worker(result):
    size = " x ".join(str(one) for one in result["size"])
    return [
        f"A head of {size} voxels (LR) in the worker process that the panel uses, just started, handing over included:"
        f" {result['seconds']:.1f} s; at most {result['peak_bytes'] / GIBI:.2f} GiB of resident memory.",
    ]


def _input(result):
    size = " x ".join(str(one) for one in result["size"])
    return f"From file to file in a process of its own; a {'generated ' if result['head'] == 'generated' else ''}head" \
           f" of {size} voxels (LR)."  # fmt: skip


def _stage_table(ways):
    lines = _head("stage, s", *ways)
    for name in dict.fromkeys(name for one in ways.values() for name in one["stages"]):
        found = [one["stages"].get(name) for one in ways.values()]
        lines.append(_row(name, *(_spread(one) if one else "" for one in found)))
    lines.append(_row("**in all**", *(f"**{_spread(one['seconds'])}**" for one in ways.values())))
    lines.append(_row("peak memory, GiB", *(f"{one['peak_bytes'] / GIBI:.2f}" for one in ways.values())))
    slices = ways["enhance"]["slices"]
    lines += [
        "",
        f"The network saw {slices['enhanced']} slices ({slices['skipped']} without brain were skipped) and"
        f" {100 * slices['frame_share']:.0f} % of the volume's pixels; skull-strip:"
        f" {ways['enhance']['skull_strip']['backend']}.",
    ]
    return lines


def _growth(result):
    lines = _head("voxels", "threads", "seconds", "network, s", "peak memory, GiB", "µs per voxel")
    for row in result["volumes"]:
        size = " x ".join(str(one) for one in row["size"])
        seconds = row["seconds"]
        lines.append(_row(f"{size} = {row['voxels'] / 1e6:.2f} M", row["threads"], _spread(seconds),
                          _spread(row["stages"]["network"]), f"{row['peak_bytes'] / GIBI:.2f}",
                          f"{1e6 * seconds['median'] / row['voxels']:.2f}"))  # fmt: skip
    lines += ["", *_head("LR slices", "threads", "seconds", "ms per slice")]
    for row in result["slices"]:
        seconds, count = row["seconds"], row["slices"]
        lines.append(_row(f"{count} of {row['height']} x {row['width']}", row["threads"], _spread(seconds),
                          f"{1000 * seconds['median'] / count:.0f}"))  # fmt: skip
    lines += ["", *_head("straight line through", "per unit", "constant part", "R²", "exponent")]
    texts = {
        "seconds": ("seconds over million voxels", 1e6, 1, "s"),
        "network seconds": ("network's seconds over million LR pixels in its box", 1e6, 1, "s"),
        "peak_bytes": ("peak memory over million voxels", 1e6 / GIBI, 1 / GIBI, "GiB"),
        "slices": ("seconds over slices", 1, 1, "s"),
    }
    for name, (text, slope, unit, symbol) in texts.items():
        fit = result["fits"][name]
        lines.append(_row(text, f"{fit['slope'] * slope:.3g} {symbol}", f"{fit['offset'] * unit:.3g} {symbol}",
                          f"{fit['r_squared']:.4f}", f"{fit['exponent']:.2f}"))  # fmt: skip
    return lines


def _head(*cells):
    return head(cells)


def _row(*cells):
    return line(cells)


def _spread(spread, unit=1.0):
    """Median ± interquartile range with the digits that it deserves."""
    median, iqr = spread["median"] * unit, spread["iqr"] * unit
    digits = 0 if median >= 1000 else 1 if median >= 100 else 2 if median >= 1 else 3
    return f"{median:.{digits}f}" + (f" ± {iqr:.{digits}f}" if spread["n"] > 1 else "")


def _percent(spread):
    return _spread({**spread, "median": 100 * spread["median"], "iqr": 100 * spread["iqr"]}) + " %"


_TABLES = {
    LIMITS: ("Limits of the machine", _limits),
    NETWORKS: ("One slice", _networks),
    OPERATORS: ("Where the time of a slice goes", _operators),
    STAGE: ("The slices of a volume", _stage),
    ENHANCEMENT: ("A whole enhancement", _enhancement),
    WHOLE_JOB: ("A whole enhancement and the naive way", _whole_job),
    WORKER: ("In the worker", _worker),
    GROWTH: ("Growth", _growth),
}
