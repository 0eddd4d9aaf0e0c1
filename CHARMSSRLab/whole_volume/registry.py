"""The studies by name. Free of heavy imports: the parser of the command line reads it."""

from importlib import import_module

MODULES = {
    "planes": "planes_study",
    "thick-slices": "thick_slices_study",
    "consistency": "consistency_study",
    "maps": "maps_study",
    "lesions": "lesions_study",
    "noise": "noise_study",
    "banding": "banding_study",
    "whole-heads": "whole_heads_study",
    "natively": "natively_study",
    "tissue": "tissue_study",
    "resolution": "resolution_study",
    "checkpoints": "checkpoints_study",
    "zero-filled": "zero_filled_study",
}


def load_study(name):
    """The ``Study`` of a name."""
    return import_module(f".{MODULES[name]}", __package__).STUDY
