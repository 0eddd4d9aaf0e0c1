"""``python -m CHARMSSRLab`` is the command ``charmssr`` with the laboratory's commands, from a source tree too."""

import sys

from .cli import main

sys.exit(main())
