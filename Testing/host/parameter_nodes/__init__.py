"""Stand-in of ``slicer.parameterNodeWrapper``: typed access to a vtkMRMLScriptedModuleNode, bound to widgets.

Values are stored under the same names and in the same form as in Slicer. Lists, tuples, dictionaries, parameter packs
and ``Any`` are not supported here and are refused with a NotImplementedError.
"""

from .annotations import (
    Choice,
    Decimals,
    Default,
    Exclude,
    IsInstance,
    Maximum,
    Minimum,
    NotNone,
    SingleStep,
    Validator,
    WithinRange,
)
from .connectors import createGuiConnector, parameterNodeGuiConnector
from .gui_connector import GuiConnector
from .wrapper import SlicerParameterNamePropertyName, isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "GuiConnector",
    "IsInstance",
    "Maximum",
    "Minimum",
    "NotNone",
    "SingleStep",
    "SlicerParameterNamePropertyName",
    "Validator",
    "WithinRange",
    "createGuiConnector",
    "isParameterNodeWrapper",
    "parameterNodeGuiConnector",
    "parameterNodeWrapper",
]
