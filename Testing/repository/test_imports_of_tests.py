"""Tests import each other's helpers by their full name, so that any of them run together and hide no package."""

import ast
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parents[1]
# Run by their path, by Slicer or as a process of their own: files beside them are theirs to import.
SCRIPTS = {TESTING / "demo.py", TESTING / "module" / "fake_worker.py", *(TESTING / "slicer").glob("*.py")}
MODULES = sorted(set(TESTING.rglob("*.py")) - SCRIPTS)


def imported(path):
    """Full names of everything that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "importorskip":
            yield node.args[0].value


IMPORTED = {path: set(imported(path)) for path in MODULES}


def test_no_file_imports_from_a_conftest():
    guilty = [str(path) for path, names in IMPORTED.items() for name in names if "conftest" in name.split(".")]
    assert not guilty, "helpers belong in a module with a name: every folder's conftest has the same one"


def test_helpers_are_imported_by_their_full_name():
    own = {path.stem for path in TESTING.rglob("*.py")} | {path.name for path in TESTING.iterdir() if path.is_dir()}
    own -= {"bids", "slicer"}  # installed packages that folders of tests are named after
    for path, names in IMPORTED.items():
        short = {name.split(".")[0] for name in names} & own
        assert not short, f"{path} imports {short} of Testing: 'from Testing. ... import' finds it from everywhere"


def test_no_folder_of_tests_stands_in_for_an_installed_package(request):
    assert request.config.getoption("importmode") == "importlib"
    first = {name.split(".")[0] for names in IMPORTED.values() for name in names} - {"Testing"}
    assert {"bids", "slicer", "pydicom"} <= first, "nothing was read"
    for name in first:
        found = PathFinder.find_spec(name)
        for place in [] if found is None else [found.origin, *(found.submodule_search_locations or ())]:
            assert not place or TESTING not in Path(place).resolve().parents, f"'import {name}' finds {place}"


@pytest.mark.parametrize("line", ["from conftest import x", "import phantom", "    from Testing.conftest import x"])
def test_such_imports_are_seen(line, tmp_path):
    path = tmp_path / "one.py"
    path.write_text("def inside():\n    pass\n" + line.strip() + "\n", encoding="utf-8")
    assert line.split()[1] in set(imported(path))
