"""Write the lists of CHARMSSRLib/CMakeLists.txt anew: what Slicer installs of the library.

That is what the module and its worker reach; what only a user's command line reaches, or a function for files of all
kinds, comes with pip. Run it after adding, renaming or removing a file of the library, or an import:
``python Testing/repository/update_cmake_lists.py``. The tests call the same functions.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from Testing.repository.own_imports import REPOSITORY, modules_of, reachable  # noqa: E402

LIBRARY = REPOSITORY / "CHARMSSRLib"
RESOURCE_SUFFIXES = (".html", ".json", ".safetensors", ".smk", ".typed", ".yaml")
# What the module starts its worker with, and what says where the commands are.
STARTED = ("CHARMSSRLib.worker.__main__", "CHARMSSRLib.__main__")

TEMPLATE = """#-----------------------------------------------------------------------------
# The library lands in a folder of its name beside CHARMSSR.py: what the module and its worker
# reach. Both lists are written by Testing/repository/update_cmake_lists.py.
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
    """Paths of the library's weights, cards and pages relative to it, sorted."""
    return _files(library, RESOURCE_SUFFIXES)


def scripts_in_slicer():
    """Paths of the Python files that Slicer installs, relative to the library, sorted."""
    module = modules_of(".", REPOSITORY / "CHARMSSR")
    module = {name: path for name, path in module.items() if not name.startswith("Testing")}
    known = {**module, **modules_of("CHARMSSRLib")}
    found = {known[name] for name in reachable({*module, *STARTED}, known)}
    return sorted(path.relative_to(LIBRARY).as_posix() for path in found if LIBRARY in path.parents)


def resources_in_slicer():
    """Paths of the resources that lie in the packages that Slicer installs, relative to the library, sorted."""
    packages = {script.rpartition("/")[0] for script in scripts_in_slicer()}
    return [path for path in resources_in_tree() if _package_of(path) in packages]


def cmake_lists(scripts=None, resources=None):
    """Text of CHARMSSRLib/CMakeLists.txt for the files that Slicer is to install, or for others."""
    return TEMPLATE.format(
        scripts="\n".join(f"  {path}" for path in (scripts_in_slicer() if scripts is None else scripts)),
        resources="\n".join(f"  {path}" for path in (resources_in_slicer() if resources is None else resources)),
    )


def _package_of(path):
    """Folder of the innermost package around a file, relative to the library; "" for the library itself."""
    folder = path.rpartition("/")[0]
    while folder and not (LIBRARY / folder / "__init__.py").is_file():
        folder = folder.rpartition("/")[0]
    return folder


def _files(library, suffixes):
    found = (path for path in library.rglob("*") if path.suffix in suffixes and path.is_file())
    return sorted(path.relative_to(library).as_posix() for path in found)


if __name__ == "__main__":
    (LIBRARY / "CMakeLists.txt").write_text(cmake_lists(), encoding="utf-8")
    sys.stdout.write(f"{len(scripts_in_slicer())} scripts, {len(resources_in_slicer())} resources\n")
