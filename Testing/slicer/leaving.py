"""How a script that Slicer was started with ends it."""

import traceback

import slicer


def leave_with(main):
    """Leave the application with the status that ``main`` returns; with 1 where it raises."""
    try:
        status = main()
    except Exception:  # whatever it is: without an exit the application would stay open
        traceback.print_exc()
        status = 1
    slicer.util.exit(status)
