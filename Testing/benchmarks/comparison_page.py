"""Fills the tables and figures of docs/comparison.md from the results under Resources/comparison.

    python Testing/benchmarks/comparison_page.py            # write the page anew
    python Testing/benchmarks/comparison_page.py --check    # exit status 1 where it is not up to date

A block of the page begins with ``<!-- table: MAKER FOLDER ARGUMENTS -->`` or
``<!-- figure: FOLDER/NAME.png CAPTION -->`` and ends with ``<!-- end -->``; MAKER is a function of
``comparison_tables``. What was not measured says so.
"""

import argparse
import re
import sys
from pathlib import Path

from comparison_tables import MAKERS

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "comparison.md"
RESULTS = REPOSITORY / "Resources" / "comparison"
BLOCK = re.compile(r"(<!-- (table|figure): (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
MISSING = "*Not measured yet.*"


def fill(text, results=RESULTS):
    """The page's text with every block made anew from the folder of results."""

    def block(match):
        begin, kind, words, end = match.groups()
        lines = _table(words.split(), results) if kind == "table" else _figure(words, results)
        return begin + "\n".join(["", *lines, "", end])

    return BLOCK.sub(block, text)


def _table(words, results):
    maker, folder, *arguments = words
    try:
        return MAKERS[maker](Path(results) / folder, *arguments) or [MISSING]
    except FileNotFoundError:
        return [MISSING]


def _figure(words, results):
    name, _, caption = words.partition(" ")
    return [f"![{caption}](../Resources/comparison/{name})" if (Path(results) / name).is_file() else MISSING]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is not up to date")
    arguments = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    after = fill(before)
    if arguments.check:
        return int(before != after)
    PAGE.write_text(after, encoding="utf-8")
    print(f"{PAGE}: {after.count(MISSING)} blocks are not measured yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
