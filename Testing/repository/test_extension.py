"""What the extension catalogue checks, and what Slicer's build makes of our CMake files."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from Testing.repository.update_cmake_lists import LIBRARY, resources_in_slicer, resources_in_tree, scripts_in_slicer

# Public names that come with the whole library only: in Slicer, the scene reads and writes.
READS_FILES = ("enhance_dicom",)


@pytest.fixture(scope="module")
def metadata(repository):
    """The EXTENSION_* fields, read as the catalogue reads them."""
    text = (repository / "CMakeLists.txt").read_text(encoding="utf-8")
    fields = dict(re.findall(r'set\s*\(EXTENSION_(\w+)\s*"([^"]+)"[ ]*\)', text))
    fields["PROJECT"] = re.findall(r"project\s*\(\s*([^\s\)\n\r]+)", text)[0]
    return fields


def test_the_project_bears_the_extensions_name(metadata):
    assert metadata["PROJECT"] == "CHARMSSR"


@pytest.mark.parametrize("field", ["HOMEPAGE", "ICONURL", "SCREENSHOTURLS"])
def test_addresses_are_written_out_without_cmake_variables(metadata, field):
    assert "$" not in metadata[field]
    assert all(address.startswith("https://") for address in metadata[field].split())


def test_the_addressed_pictures_are_in_the_repository(repository, metadata):
    for address in [metadata["ICONURL"], *metadata["SCREENSHOTURLS"].split()]:
        path = repository / address.partition("/main/")[2]
        assert path.is_file(), address


def test_the_icon_is_a_square_of_128_pixels(repository):
    with Image.open(repository / "CHARMSSR.png") as icon:
        assert icon.size == (128, 128) and icon.mode == "RGBA"


def test_the_catalogues_fields_say_what_they_must(metadata):
    assert metadata["CATEGORY"] == "Image Synthesis"
    assert metadata["DEPENDS"] == "PyTorch"
    assert ";" not in metadata["DESCRIPTION"]  # CMake would read a list
    assert 200 < len(metadata["DESCRIPTION"]) < 800


def test_the_catalogues_entry_keeps_its_published_rules(repository, metadata):
    """Schema 1.0.1 of the entries, and what the index's own checks ask of a new extension."""
    entry = json.loads((repository / "Resources" / f"{metadata['PROJECT']}.json").read_text(encoding="utf-8"))
    allowed = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies",
               "build_subdirectory", "enabled", "tier"}  # fmt: skip
    assert {"$schema", "category", "scm_url"} <= set(entry) <= allowed
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.1.json#")
    assert entry["category"] == metadata["CATEGORY"] and entry["tier"] in (1, 3, 5)
    assert entry["build_dependencies"] == metadata["DEPENDS"].split()
    address = entry["scm_url"]
    assert address == metadata["HOMEPAGE"] + ".git" and address.rpartition("/")[2].startswith("Slicer")
    assert list(entry) == sorted(entry)


def test_the_licence_is_the_whole_apache_2_0(repository):
    text = (repository / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text and len(text) > 11000


@pytest.fixture(scope="module")
def layout(repository, tmp_path_factory):
    """The build tree that CMake makes with a stand-in of Slicer's macros."""
    if shutil.which("cmake") is None or shutil.which("cc") is None:
        pytest.skip("needs cmake and a C compiler on the PATH")
    build = tmp_path_factory.mktemp("build")
    stubs = repository / "Testing" / "repository" / "cmake_stubs"
    done = subprocess.run(
        ["cmake", "-S", str(repository), "-B", str(build), f"-DSlicer_DIR={stubs}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return build


def test_cmake_puts_the_library_beside_the_module(layout):
    modules = layout / "qt-scripted-modules"
    assert (modules / "CHARMSSR.py").is_file()
    assert (modules / "Resources" / "UI" / "CHARMSSR.ui").is_file()
    assert (modules / "Resources" / "Icons" / "CHARMSSR.png").is_file()
    there = {path for path in (modules / "CHARMSSRLib").rglob("*") if path.is_file()}
    assert {path.relative_to(modules / "CHARMSSRLib").as_posix() for path in there} == {
        *scripts_in_slicer(),
        *resources_in_slicer(),
    }


def test_cmake_installs_every_python_file_of_the_module(repository, layout):
    module = repository / "CHARMSSR"
    scripts = [path.relative_to(module) for path in sorted(module.rglob("*.py"))]
    scripts = [path for path in scripts if path.parts[0] != "Testing"]
    assert len(scripts) > 40
    left_out = [path for path in scripts if not (layout / "qt-scripted-modules" / path).is_file()]
    assert not left_out, "these are not in CHARMSSR/CMakeLists.txt"


def test_cmake_configures_and_packs_once_each(layout):
    assert (layout / "steps.txt").read_text(encoding="utf-8").splitlines() == ["CHARMSSR: PyTorch"] * 2


def test_slicers_test_runner_gets_the_modules_self_test(layout):
    assert "CHARMSSR.py" in (layout / "tests.txt").read_text(encoding="utf-8").splitlines()


def test_the_installed_layout_lists_its_bundled_checkpoints(layout):
    code = "import sys, CHARMSSRLib; print(*CHARMSSRLib.available_checkpoints()); print(CHARMSSRLib.__file__)"
    done = _in_layout(layout, "-c", code)
    assert done.returncode == 0, done.stderr
    names, where = done.stdout.splitlines()
    cards = [json.loads((LIBRARY / path).read_text(encoding="utf-8")) for path in resources_in_tree() if _is_card(path)]
    bundled = {card["name"] for card in cards if card["task"] == "super-resolution"}
    assert bundled and bundled <= set(names.split())
    assert where.startswith(str(layout))


def test_every_module_and_public_name_of_the_installed_layout_can_be_imported(layout):
    modules = [path[: -len(".py")].replace("/", ".") for path in scripts_in_slicer() if "__" not in path]
    code = (
        "import importlib, CHARMSSRLib\n"
        f"for name in {modules!r}:\n    importlib.import_module(f'CHARMSSRLib.{{name}}')\n"
        f"for name in CHARMSSRLib.__all__:\n    name in {READS_FILES!r} or getattr(CHARMSSRLib, name)"
    )
    done = _in_layout(layout, "-c", code)
    assert done.returncode == 0, done.stderr


def test_what_reads_files_by_itself_says_in_the_installed_layout_where_it_is_to_be_had(layout):
    reads = [f"from CHARMSSRLib import {name}" for name in READS_FILES]
    pair = "from CHARMSSRLib import Pair; Pair('one', 'T1w', '3t.nii.gz', '7t.nii.gz').load()"
    for code in (*reads, pair):
        refused = _in_layout(layout, "-c", code)
        assert "BackendError: " in refused.stderr and "PythonSlicer in a clone" in refused.stderr


def test_the_installed_layout_serves_the_panel_and_says_where_the_commands_are(layout):
    served = _in_layout(layout, "-m", "CHARMSSRLib.worker")
    assert served.returncode == 0, served.stderr
    refused = _in_layout(layout, "-m", "CHARMSSRLib", "batch", "scans", "results")
    assert refused.returncode == 2
    assert "PythonSlicer in a clone" in refused.stderr and len(refused.stderr.splitlines()) == 1


def _in_layout(layout, *words):
    return subprocess.run(
        [sys.executable, "-s", *words],
        cwd=layout / "qt-scripted-modules",
        input="",
        capture_output=True,
        text=True,
    )


def _is_card(path):
    return path.startswith("checkpoints/") and path.endswith(".json")
