"""``charmssr export``: a checkpoint as an ONNX file."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from .command import new_command


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "export",
        run,
        help="write a checkpoint as ONNX",
        description="Write the network of a checkpoint as an ONNX file for slices of any size, checked against PyTorch"
        " before it appears. Scaling of intensities and the scale stand in the file's metadata. Needs the packages onnx"
        " and onnxruntime.",
    )
    parser.add_argument("checkpoint", metavar="NAME|FILE", help="a checkpoint's name or its weights file")
    parser.add_argument("output", metavar="OUTPUT.onnx", type=Path, help="the file to write")
    parser.add_argument(
        "--denoise",
        metavar="0..100",
        type=_share,
        default=0,
        help="percent of the noise that the network takes away (default: 0, as measured)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def _share(text):
    if not re.fullmatch(r"100|[1-9]?\d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the noise: use a whole number from 0 to 100")
    return int(text)


def run(arguments: argparse.Namespace) -> None:
    """Run the subcommand."""
    from ..errors import SettingsError
    from ..files.output_files import OutputFiles, check_target

    output = arguments.output
    if output.suffix.lower() != ".onnx":
        raise SettingsError(f"{output.name} does not end in .onnx: give the output a name that does.")
    check_target(output, arguments.overwrite)

    from ..checkpoints.loading import load_checkpoint
    from ..enhancement.onnx_export import OPSET, export_onnx

    checkpoint = load_checkpoint(arguments.checkpoint, denoise=arguments.denoise)
    checkpoint.card["denoise"] = arguments.denoise
    differences = []
    with OutputFiles(arguments.overwrite) as files:
        files.add_file(lambda temporary: differences.append(export_onnx(checkpoint, temporary)), output)
        files.commit()
    print(f"{output} (opset {OPSET}; differs from PyTorch by at most {differences[0]:.1e} of the intensity range)")
