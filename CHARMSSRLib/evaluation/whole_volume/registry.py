"""The studies by name. Free of heavy imports: the parser of the command line reads it."""

from importlib import import_module

MODULES = {"noise": "noise_study"}


def load_study(name):
    """The ``Study`` of a name."""
    return import_module(f".{MODULES[name]}", __package__).STUDY
