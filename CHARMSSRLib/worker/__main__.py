"""``python -m CHARMSSRLib.worker``: the process that the Slicer panel talks to; ``charmssr worker`` is the same."""

import sys
import warnings

from .server import serve

warnings.simplefilter("ignore")  # libraries' hints to programmers
sys.exit(serve())
