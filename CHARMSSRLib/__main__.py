"""``python -m CHARMSSRLib`` is the command ``charmssr``."""

import sys

from .errors import BackendError
from .whole_library import part_of_the_whole_library

try:
    main = part_of_the_whole_library("cli", "The command line").main
except BackendError as error:
    sys.stderr.write(f"charmssr: error: {error}\n")
    sys.exit(2)
sys.exit(main())
