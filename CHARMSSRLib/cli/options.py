"""Options of the command line, made from the tables of settings; and what all commands refuse early."""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict
from typing import Any

from ..errors import SettingsError
from ..settings import DEVICE, NO_DEVICE, DICOMSettings, EnhancementSettings
from ..settings_table import settings_of


def add_enhancement_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be set about an enhancement; :func:`settings_from` reads it back."""
    add_options(parser, EnhancementSettings)
    parser.add_argument(
        "--maps", metavar="DIR", help="also write the maps of what was added, and the mask, into this folder"
    )


def settings_from(arguments: argparse.Namespace) -> EnhancementSettings:
    """EnhancementSettings from parsed arguments."""
    return EnhancementSettings(**values_of(arguments, EnhancementSettings), maps=arguments.maps is not None)


def add_options(parser: argparse.ArgumentParser, cls: type, **defaults: Any) -> None:
    """Add an option for each setting of a table, under its headings; :func:`values_of` reads them back.

    Args:
        parser: of a command.
        cls: dataclass of settings.
        defaults: other defaults than the table's, by name.
    """
    groups = {}
    for name, (described, default) in settings_of(cls).items():
        if not described.on_the_command_line:
            continue
        if described.group not in groups:
            groups[described.group] = parser.add_argument_group(described.group)
        _add_option(groups[described.group], name, described, defaults.get(name, default))


def _add_option(group, name, described, default):
    flag = f"--{name.replace('_', '-')}"
    if isinstance(default, bool):
        if default:
            group.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=True, help=f"{described.help} (default: yes)"
            )
        else:
            group.add_argument(flag, action="store_true", help=described.help)
        return
    shown = described.zero if described.zero and default == 0 else "none" if default == "" else default
    options = {"default": default, "help": f"{described.help} (default: {shown})"}
    if described.choices is not None:
        group.add_argument(flag, choices=described.choices, **options)
        return
    if isinstance(default, int):
        options["type"] = _whole_number(described)
    elif isinstance(default, float):
        options["type"] = float
    elif described.pattern:
        options["type"] = _text(described)
    group.add_argument(flag, metavar=described.metavar, **options)


def values_of(arguments: argparse.Namespace, cls: type) -> dict:
    """Dict of the settings of a table that parsed arguments give."""
    given = vars(arguments)
    return {name: given[name] for name, (one, _) in settings_of(cls).items() if one.on_the_command_line}


def dicom_settings(arguments: argparse.Namespace, is_series: bool) -> DICOMSettings | None:
    """DICOMSettings from parsed arguments where the result is a DICOM series, else None.

    Raises:
        SettingsError: something was asked for that only a series has.
    """
    settings = DICOMSettings(**values_of(arguments, DICOMSettings))
    if is_series:
        return settings
    for name, value in asdict(settings).items():
        if value != getattr(DICOMSettings(), name):
            raise SettingsError(
                f"--{name.replace('_', '-')} is for DICOM series; ask for one (--output-format dicom), or leave it out."
            )
    return None


def check_early(settings: EnhancementSettings) -> None:
    """Refuse, before anything long or heavy, settings that name what is not there.

    Raises:
        CheckpointError: no such checkpoint.
        SettingsError: options that contradict each other, or a skull-strip backend that does not exist.
    """
    from ..checkpoints.registry import find_weights

    if settings.restore_bias and not settings.bias_correction:
        raise SettingsError("--restore-bias needs the bias correction; leave out --no-bias-correction.")
    check_backend_name(settings.skull_strip)
    find_weights(settings.checkpoint)


def check_backend_name(name: str) -> None:
    """Refuse a skull-strip backend that does not exist.

    Raises:
        SettingsError: with the names that do.
    """
    from ..preprocessing.skull_strip import backend_names

    backends = ("auto", "none", *backend_names())
    if name not in backends:
        raise SettingsError(f"Unknown skull-strip {name!r}; choose one of: {', '.join(backends)}.")


def device_name(text: str) -> str:
    """Type of an option that names a device."""
    if not re.fullmatch(DEVICE, text):
        raise argparse.ArgumentTypeError(NO_DEVICE.format(value=repr(text)))
    return text


def positive(text: str) -> int:
    """Type of an option that counts: a whole number from 1 up."""
    return _number(text, 1, "from 1 up")


def _whole_number(described):
    """Type of an option for a whole number with the bounds of its setting."""
    least = -(10**18) if described.least is None else described.least
    zero = f" ({described.zero})" if described.zero else ""
    bounds = "" if described.least is None else f"from {least:g}{zero} up"
    return lambda text: _number(text, least, bounds)


def _number(text, least, bounds):
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}".strip())
    return number


def _text(described):
    """Type of an option for a text that matches the pattern of its setting."""

    def read(text):
        if not re.fullmatch(described.pattern, text):
            raise argparse.ArgumentTypeError(described.refusal.format(value=repr(text)))
        return text

    return read
