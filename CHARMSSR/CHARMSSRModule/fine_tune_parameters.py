"""The settings of the fine-tune section, kept in the scene beside the module's other parameters."""

from typing import Annotated

from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

PREFIX = "fineTune."


@parameterNodeWrapper
class FineTuneParameterNode:
    """Parameters of the fine-tune section; the numbers mean "automatic" when they are 0.

    name - Of the new checkpoint.
    checkpoint - The one it starts from; empty for the default.
    steps, batch, patch, validateEvery, patience - As in the library's FineTuningSettings.
    learningRate - As text, because the list of rates is one of texts.
    holdOut - People whose pairs are held out.
    leaveOneOut - A run without each person first.
    biasCorrection - Correct the bias field of both scans first.
    skullStrip - "auto", "none" or the name of a backend.
    seed - Of patches and their order.
    result - The last result: JSON of name, path and report, for the result's lines.

    The table of pairs is kept by PairStore, in the same node.
    """

    name: str = "charms-7t"
    checkpoint: str
    steps: Annotated[int, WithinRange(0, 1000000)] = 0
    batch: Annotated[int, WithinRange(0, 256)] = 0
    patch: Annotated[int, WithinRange(0, 512)] = 0
    validateEvery: Annotated[int, WithinRange(0, 10000)] = 0
    patience: Annotated[int, WithinRange(0, 1000)] = 0
    learningRate: str = "0"
    holdOut: Annotated[int, WithinRange(0, 100)] = 1
    leaveOneOut: bool = False
    biasCorrection: bool = True
    skullStrip: str = "auto"
    seed: Annotated[int, WithinRange(0, 2147483647)] = 0
    result: str


def fineTuneParameters(node):
    """The section's parameters in the module's parameter node (a vtkMRMLScriptedModuleNode)."""
    return FineTuneParameterNode(node, prefix=PREFIX)
