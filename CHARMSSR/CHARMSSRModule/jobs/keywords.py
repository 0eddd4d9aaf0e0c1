"""The library's settings by Slicer's spelling: ``biasCorrection`` is ``bias_correction``.

Made from the library's table of settings, so that a setting is known here once it stands there.
"""

import dataclasses


def keywordOf(name):
    """Slicer's spelling of a setting's name."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def settingsFromKeywords(settingsClass, keywords, settings=None, defaults=None):
    """Settings as the worker takes them.

    Args:
        settingsClass: of the library, such as ``EnhancementSettings``.
        keywords: dict of what the caller named; None leaves a setting as it is.
        settings: object of ``settingsClass`` that they start from; None for ``defaults``.
        defaults: dict of the library's names: what stands where the caller said nothing.

    Returns:
        dict of the library's names; what nobody named is left to the library.

    Raises:
        TypeError: a keyword that is no setting.
        ValueError: a value that does not exist; the message says what there is.
    """
    from CHARMSSRLib.errors import CHARMSSRError

    names = {keywordOf(field.name): field.name for field in dataclasses.fields(settingsClass)}
    unknown = sorted(set(keywords) - set(names))
    if unknown:
        raise TypeError(f"There is no setting {', '.join(unknown)}; there are {', '.join(names)}.")
    values = dict(defaults or {}) if settings is None else dataclasses.asdict(settings)
    values.update({names[keyword]: value for keyword, value in keywords.items() if value is not None})
    try:
        settingsClass(**values)
    except CHARMSSRError as error:
        raise ValueError(str(error)) from error
    return values


def keywordsFromParameters(settingsClass, parameters):
    """What a parameter node says about settings: every setting that it has a parameter of the same name for."""
    keywords = {}
    for field in dataclasses.fields(settingsClass):
        keyword = keywordOf(field.name)
        if hasattr(parameters, keyword):
            value = getattr(parameters, keyword)
            keywords[keyword] = getattr(value, "value", value)  # of a list's entry
    return keywords
