"""Tables of Markdown, line by line."""


def table(headings, rows):
    """Lines of a table.

    Args:
        headings: of its columns.
        rows: each with a value for every column, shown as ``str`` shows it; None stays empty.
    """
    return [*head(headings), *(line(row) for row in rows)]


def head(headings):
    """The two lines with which a table begins."""
    return [line(headings), "|---" * len(headings) + "|"]


def line(cells):
    """One line of a table."""
    return f"| {' | '.join('' if cell is None else str(cell) for cell in cells)} |"
