"""Write the lists of CHARMSSRLib/CMakeLists.txt anew from the files that are there.

Run it after adding, renaming or removing a file of the library:
``python Testing/repository/update_cmake_lists.py``. The tests call the same functions.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "CHARMSSRLib"
RESOURCE_SUFFIXES = (".html", ".json", ".safetensors", ".smk", ".typed", ".yaml")

TEMPLATE = """#-----------------------------------------------------------------------------
# The library lands in a folder of its name beside CHARMSSR.py. Both lists are
# written by Testing/repository/update_cmake_lists.py.
set(LIBRARY_PYTHON_SCRIPTS
{scripts}
  )

set(LIBRARY_PYTHON_RESOURCES
{resources}
  )

#-----------------------------------------------------------------------------
slicerMacroBuildScriptedModule(
  NAME CHARMSSRLib
  SCRIPTS ${{LIBRARY_PYTHON_SCRIPTS}}
  RESOURCES ${{LIBRARY_PYTHON_RESOURCES}}
  WITH_SUBDIR
  )
"""


def scripts_in_tree(library=LIBRARY):
    """Paths of the library's Python files relative to it, sorted."""
    return _files(library, (".py",))


def resources_in_tree(library=LIBRARY):
    """Paths of the library's weights and cards relative to it, sorted."""
    return _files(library, RESOURCE_SUFFIXES)


def cmake_lists(library=LIBRARY):
    """Text of CHARMSSRLib/CMakeLists.txt for the files that are there."""
    return TEMPLATE.format(
        scripts="\n".join(f"  {path}" for path in scripts_in_tree(library)),
        resources="\n".join(f"  {path}" for path in resources_in_tree(library)),
    )


def _files(library, suffixes):
    found = (path for path in library.rglob("*") if path.suffix in suffixes and path.is_file())
    return sorted(path.relative_to(library).as_posix() for path in found)


if __name__ == "__main__":
    (LIBRARY / "CMakeLists.txt").write_text(cmake_lists(), encoding="utf-8")
    sys.stdout.write(f"{len(scripts_in_tree())} scripts, {len(resources_in_tree())} resources\n")
