"""Fills the tables and figures of the pages in docs/ that say what was measured, from the results under Resources.

    python -m CHARMSSRLab.documents.measured_pages            # write the pages anew
    python -m CHARMSSRLab.documents.measured_pages --check    # exit status 1 where one is not up to date

A block of a page begins with ``<!-- table: MAKER RESULT ARGUMENTS -->`` or
``<!-- figure: FILE.png CAPTION -->`` and ends with ``<!-- end -->``; MAKER is a function of the page's
module of tables, RESULT a folder or file of its results. What was not measured says so.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from . import acquisition_tables, comparison_tables, whole_heads_tables, whole_volume_tables

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(<!-- (table|figure): (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
MISSING = "*Not measured yet.*"


@dataclass(frozen=True)
class Page:
    """A page of docs/, the folder of Resources that holds its results, and what makes its tables of them."""

    file: Path
    results: Path
    makers: dict


PAGES = [
    Page(REPOSITORY / "docs" / "studies" / f"{name}.md", REPOSITORY / "Resources" / results, tables.MAKERS)
    for name, results, tables in (
        ("comparison", "comparison", comparison_tables),
        ("whole-volumes", "whole-volumes", whole_volume_tables),
        ("planes", "whole-volumes", whole_volume_tables),
        ("whole-heads", "whole-volumes", whole_heads_tables),
        ("acquisition", "whole-volumes", acquisition_tables),
    )
]


def fill(text, page, results=None):
    """The text with every block made anew from the page's results, or from another folder of them."""
    results = Path(results or page.results)

    def block(match):
        begin, kind, words, end = match.groups()
        lines = _table(words.split(), page.makers, results) if kind == "table" else _figure(words, page, results)
        return begin + "\n".join(["", *lines, "", end])

    return BLOCK.sub(block, text)


def _table(words, makers, results):
    maker, name, *arguments = words
    try:
        return makers[maker](results / name, *arguments) or [MISSING]
    except FileNotFoundError:
        return [MISSING]


def _figure(words, page, results):
    name, _, caption = words.partition(" ")
    there = (results / name).is_file()
    return [f"![{caption}](../../Resources/{page.results.name}/{name})" if there else MISSING]


def write():
    """Write the pages anew where a result has changed."""
    for page in PAGES:
        before = page.file.read_text(encoding="utf-8")
        after = fill(before, page)
        if after != before:
            page.file.write_text(after, encoding="utf-8")
        print(f"{page.file}: {after.count(MISSING)} blocks are not measured yet")


def outdated():
    """Files of the pages that do not say what the results say."""
    texts = ((page, page.file.read_text(encoding="utf-8")) for page in PAGES)
    return [page.file for page, text in texts if fill(text, page) != text]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is not up to date")
    if parser.parse_args().check:
        return int(bool(outdated()))
    return write()


if __name__ == "__main__":
    sys.exit(main())
