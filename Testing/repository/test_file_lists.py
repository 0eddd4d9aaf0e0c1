"""The CMake lists, the wheel and the tree name the same files."""

import ast
import shutil
import subprocess
import sys
import zipfile

import pytest

from CHARMSSRLab.cli import modules
from Testing.repository.own_imports import reachable
from Testing.repository.update_cmake_lists import (
    cmake_lists,
    resources_in_slicer,
    resources_in_tree,
    scripts_in_slicer,
    scripts_in_tree,
)


def test_cmake_lists_what_slicer_is_to_install(repository):
    written = (repository / "CHARMSSRLib" / "CMakeLists.txt").read_text(encoding="utf-8")
    assert written == cmake_lists(), "run: python Testing/repository/update_cmake_lists.py"


def test_what_only_a_command_line_reaches_stays_out_of_slicer():
    scripts = set(scripts_in_slicer())
    left_out = set(scripts_in_tree()) - scripts
    assert {"worker/server.py", "worker/__main__.py", "fine_tuning/fine_tune.py", "acquisition/inspect.py"} <= scripts
    assert {"bids/cohort.py", "dicom/node/node.py", "cli/entry.py", "files/volumes.py"} <= left_out
    assert [path for path in resources_in_tree() if path not in resources_in_slicer()] == [
        path for path in resources_in_tree() if path.startswith("bids/")
    ]


def test_a_skull_strip_that_is_only_named_is_installed():
    folder = "preprocessing/skull_strip"
    assert {f"{folder}/{name}.py" for name in ("builtin", "synthstrip", "hdbet_backend", "deepbet_backend")} <= set(
        scripts_in_slicer()
    )


def test_everything_reachable_is_found_also_inside_functions_and_through_packages(tmp_path):
    texts = {
        "room/__init__.py": "from . import door",
        "room/door.py": "def enter():\n    from ..hall.stairs import up",
        "room/shelf.py": "",
        "hall/__init__.py": "NAMES = {'one': '.cellar'}",
        "hall/stairs.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..room import shelf",
        "hall/cellar.py": "",
    }
    known = {"house": tmp_path / "__init__.py"}
    for name, text in {"__init__.py": "", **texts}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        known["house." + name[: -len(".py")].replace("/", ".").replace(".__init__", "")] = path
    del known["house.__init__"]
    found = reachable(["house.room"], known)
    assert found == {"house", "house.room", "house.room.door", "house.hall", "house.hall.stairs", "house.hall.cellar"}


def test_every_folder_of_the_library_with_scripts_is_a_package():
    scripts = scripts_in_tree()
    folders = {path.rpartition("/")[0] for path in scripts}
    missing = [folder for folder in folders if f"{folder}/__init__.py".lstrip("/") not in scripts]
    assert not missing


def test_the_wheel_holds_every_file_of_the_library_and_nothing_else(repository, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE.txt"):
        shutil.copy(repository / name, source)
    for package in ("CHARMSSRLib", "CHARMSSRLab"):
        shutil.copytree(repository / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w"]
    done = subprocess.run([*command, str(tmp_path), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("charmssr-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        library = sorted(name.partition("/")[2] for name in names if name.startswith("CHARMSSRLib/"))
        laboratory = {name for name in names if name.startswith("CHARMSSRLab/")}
        (entry_points,) = [name for name in names if name.endswith("entry_points.txt")]
        declared = archive.read(entry_points).decode()
    assert "charmssr = CHARMSSRLib.cli:main" in declared
    for name, module in modules().items():
        assert f"{name} = {module}\n" in declared
    assert library == sorted(scripts_in_tree() + resources_in_tree())
    tree = (repository / "CHARMSSRLab").rglob("*")
    assert laboratory == {
        path.relative_to(repository).as_posix()
        for path in tree
        if path.suffix == ".py" or (path.suffix == ".json" and path.parent.name == "recipes")
    }
    others = {name.partition("/")[0] for name in names} - {"CHARMSSRLib", "CHARMSSRLab"}
    assert len(others) == 1 and next(iter(others)).endswith(".dist-info")


@pytest.mark.parametrize("folder", ["CHARMSSRLib", "CHARMSSRLab", "CHARMSSR"])
def test_python_3_9_can_read_the_sources(repository, folder):
    for path in sorted((repository / folder).rglob("*.py")):
        ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 9))
