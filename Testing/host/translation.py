"""Stand-in of ``slicer.i18n``: English only."""

import os


def translate(context, text):
    """The text itself; both must be str, as Qt demands."""
    for each in (context, text):
        if not isinstance(each, str):
            raise TypeError(f"translate() takes texts, not {each!r}")
    return text


def tr(text):
    """The text itself, checked to be a str."""
    return translate("", text)


def getContext(sourceFile):
    """Context of a source file: its name without extension."""
    return os.path.splitext(os.path.basename(sourceFile))[0]
