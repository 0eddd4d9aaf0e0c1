"""Tables that users make: CSV as spreadsheets write it in any country."""

from __future__ import annotations

import csv
import io
from pathlib import Path

_DELIMITERS = ",;\t"


def read_table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a table and its rows.

    Commas, semicolons or tabs separate the fields; names of columns are lower case without spaces
    around them; empty lines and fields beyond the last column are passed over. UTF-8 and the UTF-16
    of spreadsheets ("Unicode text") are read.

    Returns:
        Names of the columns, and for each row its line in the file and its texts by column.

    Raises:
        OSError: the file cannot be opened.
        UnicodeDecodeError, csv.Error: it is no table.
    """
    content = path.read_bytes()
    text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    columns = [name.strip().lower() for name in reader.fieldnames or () if name]
    rows = []
    for row in reader:
        # What lies beyond the last column comes as a list.
        texts = {(name or "").strip().lower(): (value or "").strip() for name, value in row.items()
                 if not isinstance(value, list)}  # fmt: skip
        if any(texts.values()):
            rows.append((reader.line_num, texts))
    return columns, rows
