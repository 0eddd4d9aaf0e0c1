"""Pages from templates, by Jinja2: what a value holds is text and never markup."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from ..errors import BackendError


def page_template(folder: Path, name: str) -> Any:
    """The template of a page.

    Args:
        folder: of templates, which may include each other.
        name: of its file.

    Returns:
        ``jinja2.Template``.

    Raises:
        BackendError: Jinja2 is not installed.
    """
    try:
        import jinja2  # noqa: F401
    except ModuleNotFoundError as error:
        raise BackendError("Pages need Jinja2, which torch brings: pip install jinja2") from error
    return _environment(folder).get_template(name)


@functools.lru_cache
def _environment(folder: Path) -> Any:
    """Templates are compiled once; one whose file has changed since is read again."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
