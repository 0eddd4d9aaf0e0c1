"""The house: imports point down the list of rooms, never up or in a circle, and never from library to laboratory."""

import re

import pytest

from Testing.repository.own_imports import REPOSITORY, imports_of, missing_imports, modules_of

# From the ground up: a room may import from those before it, and within itself.
LIBRARY = (
    ("errors", "remaining_time", "scan_limits"),
    ("settings_table", "whole_library"),
    ("settings", "task"),
    ("grids", "measures", "machine", "files"),
    ("network",),
    ("checkpoints",),
    ("engines",),
    ("preprocessing", "learning"),
    ("acquisition",),
    ("enhancement",),
    ("fine_tuning", "dicom"),
    ("worker",),
    ("bids",),
    ("cli",),
)
LABORATORY = (
    ("plots", "markdown_table"),
    ("methods", "skull_strip"),
    ("costs", "training"),
    ("comparison",),
    ("whole_volume",),
    ("benchmark", "reproduction"),
    ("documents", "gpu", "cli"),
)


def room_of(name):
    """The part of a dotted name that names a room: "CHARMSSRLib.grids.resize" -> "grids"."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.fixture(scope="module")
def imports():
    """Dict of module -> the repository's own modules that it imports."""
    known = {**modules_of("CHARMSSRLib"), **modules_of("CHARMSSRLab")}
    return {name: imports_of(name, path, known) for name, path in known.items()}


def test_the_library_never_imports_the_laboratory(imports):
    wrong = {
        name: used
        for name, targets in imports.items()
        if name.startswith("CHARMSSRLib") and (used := {one for one in targets if one.startswith("CHARMSSRLab")})
    }
    assert not wrong


@pytest.mark.parametrize(("package", "floors"), [("CHARMSSRLib", LIBRARY), ("CHARMSSRLab", LABORATORY)])
def test_imports_point_down(imports, package, floors):
    level = {room: number for number, rooms in enumerate(floors) for room in rooms}
    upwards = []
    for name, targets in imports.items():
        if not name.startswith(f"{package}.") or room_of(name) == "__main__":
            continue
        here = room_of(name)
        for target in targets:
            there = room_of(target)
            if not target.startswith(f"{package}.") or there == here:
                continue
            if level[there] >= level[here]:
                upwards.append(f"{name} -> {target}")
    assert not upwards


def test_every_name_that_is_imported_from_our_own_modules_exists():
    """Also where a function imports it, which only its call would tell."""
    known = {
        **modules_of("CHARMSSRLib"),
        **modules_of("CHARMSSRLab"),
        **modules_of("CHARMSSRModule", REPOSITORY / "CHARMSSR"),
    }
    files = {**known, **modules_of("Testing")}
    missing = [f"{name}: {source}" for name, path in files.items() for source in missing_imports(name, path, known)]
    assert not missing


def test_no_imports_run_in_a_circle(imports):
    done, on_the_way, circles = set(), [], []

    def visit(name):
        if name in on_the_way:
            circles.append(" -> ".join([*on_the_way[on_the_way.index(name) :], name]))
            return
        if name in done:
            return
        on_the_way.append(name)
        for target in sorted(imports[name]):
            visit(target)
        on_the_way.pop()
        done.add(name)

    for name in imports:
        visit(name)
    assert not circles


def test_every_room_has_its_place(imports):
    placed = {room for rooms in (*LIBRARY, *LABORATORY) for room in rooms} | {"", "__main__"}
    assert {room_of(name) for name in imports} <= placed


def test_the_page_of_architecture_draws_every_room():
    text = (REPOSITORY / "docs" / "develop" / "architecture.md").read_text(encoding="utf-8")
    drawing = text.split("```")[1]
    small = {"settings_table", "remaining_time", "scan_limits", "whole_library", "markdown_table"}
    rooms = {room for rooms in (*LIBRARY, *LABORATORY) for room in rooms} - small
    assert {room for room in rooms if not re.search(rf"\b{room}\b", drawing)} == set()
