"""The generated head under the short name that the tests import it by."""

from CHARMSSRLab.benchmark.phantom import SIGNALS, phantom_head, phantom_head_and_brain

__all__ = ["SIGNALS", "phantom_head", "phantom_head_and_brain"]
