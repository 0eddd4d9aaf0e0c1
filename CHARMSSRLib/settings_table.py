"""How a setting is described: once, beside its default, for the command line, the panel and every check.

A dataclass of :class:`Settings` declares each field by :func:`setting`; wrong values are refused when one is made, and
``cli/options.py`` makes the options from the same descriptions.
"""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from .errors import SettingsError

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """What is known about one setting.

    Attributes:
        help: what it does, as a phrase; the command line shows it with the default.
        group: heading under which it is listed.
        choices: the values there are; None where they are not a list.
        least, most: bounds of a number, included.
        zero: what 0 stands for ("automatic"), "" where it is a number like any other.
        pattern: regular expression that a text matches as a whole.
        metavar: how its value is written in the help.
        refusal: sentence about a value that the pattern refuses, with {value}.
        on_the_command_line: False for one that a command sets by itself.
    """

    help: str
    group: str = "settings"
    choices: tuple | None = None
    least: float | None = None
    most: float | None = None
    zero: str = ""
    pattern: str = ""
    metavar: str | None = None
    refusal: str = "{value} cannot be used here."
    on_the_command_line: bool = True


def setting(default: Any, help: str, **description: Any) -> Any:
    """A dataclass field with its default and its :class:`Setting`."""
    return field(default=default, metadata={"setting": Setting(help, **description)})


def settings_of(cls: type) -> dict:
    """The descriptions of a dataclass of settings: dict of name -> (Setting, default)."""
    return {one.name: (one.metadata["setting"], one.default) for one in fields(cls) if one.default is not MISSING}


def check(settings: Any) -> None:
    """Refuse values that a setting cannot have.

    Args:
        settings: a dataclass whose fields were declared by :func:`setting`.

    Raises:
        SettingsError: naming the setting, its value and what it may be.
    """
    for name, (described, default) in settings_of(type(settings)).items():
        _check_one(name.replace("_", " "), getattr(settings, name), described, default)


class Settings:
    """What every table of settings can do: refuse wrong values when one is made, and be read from a mapping."""

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def from_dict(cls: type[T], values: dict) -> T:
        """Settings from a mapping (a worker's message, a JSON file).

        Args:
            values: by the names of the settings.

        Raises:
            SettingsError: no mapping, a key that is no setting or one that is missing, or a value that it cannot have.
        """
        if not isinstance(values, dict):
            raise SettingsError(f"Settings are given by their names, as a mapping, not as {values!r}.")
        described = {one.name: one for one in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(map(str, values.keys() - described.keys()))
        if unknown:
            raise SettingsError(f"Unknown setting {unknown[0]!r}; known are: {', '.join(sorted(described))}.")
        for name, one in described.items():
            if name not in values and one.default is MISSING and one.default_factory is MISSING:
                raise SettingsError(f"The setting {name!r} is missing.")
        return cls(**values)


def _check_one(name, value, described, default):
    if default is None and value is None:
        return
    if described.choices is not None:
        if value not in described.choices or type(value) is not type(default):
            raise SettingsError(f"Unknown {name} {value!r}; choose one of: {', '.join(map(str, described.choices))}.")
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise SettingsError(f"The setting {name} is either true or false, not {value!r}.")
    elif isinstance(default, (int, float)):
        _check_number(name, value, described, default)
    elif not isinstance(value, str):
        raise SettingsError(f"The {name} must be a text, not {value!r}.")
    elif described.pattern and not re.fullmatch(described.pattern, value):
        raise SettingsError(described.refusal.format(value=repr(value)))


def _check_number(name, value, described, default):
    whole = isinstance(default, int)
    kind = "a whole number" if whole else "a number"
    is_number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    low = is_number and described.least is not None and value < described.least
    high = is_number and described.most is not None and value > described.most
    if not is_number or low or high or not math.isfinite(value):
        least = "" if described.least is None else f" from {described.least:g}"
        least += f" ({described.zero})" if described.zero and described.least == 0 else ""
        most = f" to {described.most:g}" if described.most is not None else " up" if least else ""
        raise SettingsError(f"The {name} must be {kind}{least}{most}, not {value!r}.")
