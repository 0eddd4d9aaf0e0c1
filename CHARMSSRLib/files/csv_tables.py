"""Tables that users make: CSV as spreadsheets write it in any country."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

_DELIMITERS = ",;\t"
_SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)


def read_table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a table and its rows.

    Commas, semicolons or tabs separate the fields; names of columns are lower case without spaces
    around them; empty lines and fields beyond the last column are passed over, and so is the line in
    which spreadsheets name the separator ("sep=;"). UTF-8, the UTF-16 of spreadsheets ("Unicode text")
    and Windows' western letters are read.

    Returns:
        Names of the columns, and for each row its line in the file and its texts by column.

    Raises:
        OSError: the file cannot be opened.
        UnicodeDecodeError, csv.Error: it is no table.
    """
    text = _decoded(path.read_bytes())
    lines = io.StringIO(text, newline="")
    # Lines before the heading; those of the rows are counted from the file's first one.
    passed, start = 0, 0
    while line := lines.readline():
        if line.strip() and not _SEPARATOR.fullmatch(line.strip()):
            break
        passed, start = passed + 1, lines.tell()
    lines.seek(start)
    delimiter = max(_DELIMITERS, key=line.count)
    reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True)
    columns = [name.strip().lower() for name in reader.fieldnames or () if name]
    rows = []
    for row in reader:
        # What lies beyond the last column comes as a list.
        texts = {(name or "").strip().lower(): (value or "").strip() for name, value in row.items()
                 if not isinstance(value, list)}  # fmt: skip
        if any(texts.values()):
            rows.append((passed + reader.line_num, texts))
    return columns, rows


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What spreadsheets write as "CSV" in western Europe. Bytes that it lacks say that this is no table.
        return content.decode("cp1252")
