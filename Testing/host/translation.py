"""Stand-in of ``slicer.i18n``: English, or a made-up language whose words are longer and show what is translated."""

import contextlib
import os

# Share by which the made-up language is longer than English; None for English.
_longer = None
OPENING, CLOSING = "\u27e6", "\u27e7"


@contextlib.contextmanager
def madeUpLanguage(longer=0.4):
    """In this block every translated text stands in brackets and is so much longer than in English."""
    global _longer
    before, _longer = _longer, longer
    try:
        yield
    finally:
        _longer = before


def language():
    """What tells the present language from others."""
    return _longer


def translated(text):
    """The text in the present language."""
    if _longer is None or not text.strip():
        return text
    wanted = round(_longer * len(text)) - 2
    return f"{OPENING}{text}{(' longer' * (1 + wanted // 7))[: max(0, wanted)]}{CLOSING}"


def translate(context, text):
    """The text in the present language; both must be str, as Qt demands."""
    for each in (context, text):
        if not isinstance(each, str):
            raise TypeError(f"translate() takes texts, not {each!r}")
    return translated(text)


def tr(text):
    """The text in the present language."""
    return translate("", text)


def getContext(sourceFile):
    """Context of a source file: its name without extension."""
    return os.path.splitext(os.path.basename(sourceFile))[0]
