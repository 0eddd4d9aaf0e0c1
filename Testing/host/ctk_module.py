"""The module ``ctk``."""

import types

from . import ctk_number_widgets, ctk_path_widgets, ctk_widgets


def widgets():
    """The widget classes of CTK that the host has, by name."""
    classes = {}
    for module in (ctk_widgets, ctk_number_widgets, ctk_path_widgets):
        classes.update({name: cls for name, cls in vars(module).items() if name.startswith("ctk")})
    return classes


def make():
    """A new module object with everything that ``import ctk`` offers here."""
    from . import message_boxes

    module = types.ModuleType("ctk", "Stand-in of CTK's Python bindings.")
    vars(module).update(widgets())
    module.ctkMessageBox = message_boxes.ctkMessageBox
    return module
