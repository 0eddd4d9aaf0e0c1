"""The files of a benchmark."""

from pathlib import Path

from CHARMSSRLib.files.output_files import OutputFiles

from .benchmark_plan import GROWTH
from .growth_figure import draw_growth, require_matplotlib
from .markdown_tables import as_markdown

__all__ = ["FIGURE", "JSON", "MARKDOWN", "as_markdown", "check", "write"]

JSON, MARKDOWN, FIGURE = "benchmark.json", "benchmark.md", "growth.png"


def check(plan):
    """Make sure before the work that all of a plan can be written.

    Raises:
        BackendError: growth is drawn, and matplotlib is missing.
    """
    if GROWTH in plan.parts:
        require_matplotlib()


def write(figures, folder):
    """Write JSON, MARKDOWN and, where growth was measured, FIGURE; earlier ones are replaced.

    Raises:
        OutputError: a file cannot be written. BackendError: matplotlib is missing.
    """
    folder = Path(folder)
    with OutputFiles(overwrite=True) as files:
        files.add_text(as_markdown(figures), folder / MARKDOWN)
        files.add_json(figures, folder / JSON)
        files.commit()
    if GROWTH in figures["parts"]:
        draw_growth(figures["parts"][GROWTH]["result"], folder / FIGURE)
