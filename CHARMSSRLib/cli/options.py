"""The options of an enhancement, shared by ``enhance`` and ``batch``."""

import argparse
import re

from ..errors import SettingsError
from ..settings import DATA_CONSISTENCY, DEFAULT_CHECKPOINT, PLANES, PRECISIONS, EnhancementSettings

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def add_enhancement_options(parser):
    """Add what can be set about an enhancement; ``settings_from`` reads it back."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--checkpoint",
        default=DEFAULT_CHECKPOINT,
        metavar="NAME|FILE",
        help="checkpoint by name (see: charmssr checkpoints) or weights file (default: %(default)s)",
    )
    model.add_argument(
        "--planes", choices=PLANES, default="acquisition", help="slices to enhance (default: as they were acquired)"
    )
    before = parser.add_argument_group("preprocessing")
    before.add_argument(
        "--bias-correction",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="correct the bias field (N4) first (default: yes)",
    )
    before.add_argument("--restore-bias", action="store_true", help="multiply the bias field back into the result")
    before.add_argument(
        "--skull-strip",
        default="auto",
        metavar="auto|none|BACKEND",
        help="how the brain is found: the best backend present, not at all, or by name (default: auto)",
    )
    before.add_argument("--keep-skull", action="store_true", help="enhance and keep everything inside the head")
    after = parser.add_argument_group("result")
    after.add_argument(
        "--data-consistency",
        choices=DATA_CONSISTENCY,
        default="report",
        help="compare the result, brought back to the input's grid, with the input, or enforce it (default: report)",
    )
    after.add_argument(
        "--maps", metavar="DIR", help="also write the maps of what was added, and the mask, into this folder"
    )
    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--device",
        type=device_name,
        default="auto",
        metavar="auto|cpu|cuda[:N]|mps",
        help="where to compute (default: auto)",
    )
    machine.add_argument("--precision", choices=PRECISIONS, default="auto", help="number format (default: auto)")
    machine.add_argument(
        "--batch", type=_count, default=0, metavar="N", help="slices per batch (default: what fits the memory)"
    )


def settings_from(arguments):
    """EnhancementSettings from parsed arguments."""
    return EnhancementSettings(
        checkpoint=arguments.checkpoint,
        planes=arguments.planes,
        bias_correction=arguments.bias_correction,
        restore_bias=arguments.restore_bias,
        skull_strip=arguments.skull_strip,
        keep_skull=arguments.keep_skull,
        data_consistency=arguments.data_consistency,
        maps=arguments.maps is not None,
        device=arguments.device,
        precision=arguments.precision,
        batch=arguments.batch,
    )


def check_early(settings):
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


def check_backend_name(name):
    """Refuse a skull-strip backend that does not exist.

    Raises:
        SettingsError: with the names that do.
    """
    from ..preprocessing.skull_strip import backend_names

    backends = ("auto", "none", *backend_names())
    if name not in backends:
        raise SettingsError(f"Unknown skull-strip {name!r}; choose one of: {', '.join(backends)}.")


def device_name(text):
    """Type of the option --device."""
    if not _DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no device; use auto, cpu, cuda, cuda:N or mps")
    return text


def positive(text):
    """Type of an option that counts: a whole number from 1 up."""
    return _whole_number(text, 1, "from 1 up")


def _count(text):
    return _whole_number(text, 0, "from 0 (automatic) up")


def _whole_number(text, least, range_in_words):
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {range_in_words}")
    return number
