"""``python -m CHARMSSRLib`` is the command ``charmssr``."""

import sys

from .cli import main

sys.exit(main())
