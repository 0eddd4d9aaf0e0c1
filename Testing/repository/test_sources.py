"""Rules that hold for every source file."""

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.programs import program_of
from Testing.repository.update_cmake_lists import LIBRARY, REPOSITORY, scripts_in_tree

SKIPPED_FOLDERS = {"build", "dist", "demo", "runs", "output", "__pycache__"}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yml", ".cff", ".txt", ".cmake", ".ui", ".sh", ".json", ".csv", ""}
CORE_PACKAGES = {"ncnn", "torch", "numpy", "scipy", "SimpleITK", "safetensors"}
# Used where they are installed, never required: skull-strip backends, and what reads multi-frame DICOM.
OPTIONAL_BACKENDS = {"deepbet", "HD_BET", "pydicom", "pynetdicom", "highdicom"}
# The extra [lab] serves the laboratory alone.
LAB_PACKAGES = {"matplotlib", "dipy"}
# Extras that serve one room of the library, imported inside its functions.
ROOM_PACKAGES = {"bids": {"PIL"}, "files/page_templates.py": {"jinja2"}}
LABORATORY = REPOSITORY / "CHARMSSRLab"
# What the extra [test] brings, by the names of its imports.
TEST_PACKAGES = {"pytest", "PySide6", "nibabel", "deepbet", "nipreps", "matplotlib", "PIL", "skimage"}
TEST_PACKAGES |= {"pydicom", "pynetdicom", "highdicom", "dcm2niix", "onnx", "onnxruntime"}
TEST_PACKAGES |= {"slicer", "slicer_core", "vtk"}  # all three of slicer-core
# What the test host puts in the place of Slicer's own modules.
STAND_INS = {"qt", "ctk", "shiboken6", "SampleData", "PyTorchUtils"}


@functools.cache
def all_files():
    """Files of the repository, without what the commands make."""
    files = []
    for folder, folders, names in os.walk(REPOSITORY):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS and _is_ours(name)]
        files += [Path(folder, name) for name in names if _is_ours(name)]
    return sorted(files)


def _is_ours(name):
    return not name.startswith(".") or name in {".ci", ".github", ".gitignore"}


def text_files():
    """Those that a person reads."""
    return [path for path in all_files() if path.suffix in TEXT_SUFFIXES]


def imported_packages(path):
    """Top-level names of the absolute imports in a Python file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def test_no_source_file_is_longer_than_500_lines():
    long = {}
    for path in text_files():
        if path.suffix in {".py", ".md", ".yml"}:
            lines = path.read_text(encoding="utf-8").count("\n")
            if lines > 500:
                long[str(path.relative_to(REPOSITORY))] = lines
    assert not long


def test_no_file_names_a_package_registry_or_a_path_of_somebodys_machine():
    # Put together here, so that this file passes its own test.
    forbidden = re.compile("|".join(["pypi" + r"\.org", "python" + "hosted", r"(?<![\w.])/(work|root)" + "/"]))
    found = []
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if forbidden.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:100]}")
    assert not found


def test_no_text_refers_to_a_document_that_is_not_in_the_repository():
    forbidden = re.compile("|".join(["DESI" + r"GN\b", "NETWO" + r"RK\.md", "LAYO" + r"UT\.md"]))
    assert not [path for path in text_files() if forbidden.search(path.read_text(encoding="utf-8", errors="replace"))]


@pytest.mark.parametrize("script", scripts_in_tree())
def test_the_library_imports_only_what_it_may(script):
    standard = set(sys.stdlib_module_names)
    allowed = standard | CORE_PACKAGES | OPTIONAL_BACKENDS | {"CHARMSSRLib"}
    allowed |= ROOM_PACKAGES.get(script, set()) | ROOM_PACKAGES.get(script.partition("/")[0], set())
    assert imported_packages(LIBRARY / script) <= allowed


def test_the_laboratory_imports_only_what_its_extra_brings():
    allowed = set(sys.stdlib_module_names) | CORE_PACKAGES | LAB_PACKAGES | {"CHARMSSRLib"}
    strange = {str(path): imported_packages(path) - allowed for path in LABORATORY.rglob("*.py")}
    assert not {path: names for path, names in strange.items() if names}


def test_the_tests_import_only_what_the_extra_test_brings():
    scripts = sorted((REPOSITORY / "Testing").rglob("*.py"))
    ours = [*scripts, *(REPOSITORY / "CHARMSSR").rglob("*.py"), *LIBRARY.glob("*.py"), LABORATORY / "__init__.py"]
    own = {path.stem for path in ours} | {path.parent.name for path in ours}
    allowed = set(sys.stdlib_module_names) | CORE_PACKAGES | TEST_PACKAGES | STAND_INS | own
    strange = {}
    for path in scripts:
        names = imported_packages(path) - allowed
        if names:
            strange[str(path.relative_to(REPOSITORY))] = names
    assert not strange


@pytest.mark.parametrize("module", ["errors", "settings", "checkpoints.registry", "cli"])
def test_light_modules_do_not_import_torch(module):
    code = f"import sys, CHARMSSRLib.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0


def test_the_core_works_without_the_extras():
    core = [
        ".".join(["CHARMSSRLib", *script[: -len(".py")].split("/")]).replace(".__init__", "")
        for script in scripts_in_tree()
        if not script.endswith("__main__.py")
    ]
    code = (
        "import importlib, sys\n"
        "for name in ('matplotlib', 'skimage', 'deepbet', 'HD_BET', 'nibabel', 'PySide6', 'slicer', 'vtk',\n"
        "             'pydicom', 'pynetdicom', 'highdicom', 'PIL', 'jinja2'):\n"
        "    sys.modules[name] = None\n"
        f"for name in {core!r}:\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_style_checker_finds_nothing():
    ruff = program_of("ruff", "ruff")
    done = subprocess.run([ruff, "check", "--no-cache", "."], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_links_between_the_documents_lead_somewhere():
    broken = []
    for path in text_files():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            file, _, place = target.partition("#")
            there = path.parent / file if file else path
            if "://" in target:
                continue
            if not there.exists() or place and there.suffix == ".md" and place not in places_of(there):
                broken.append(f"{path.relative_to(REPOSITORY)}: {target}")
    assert not broken


def places_of(page):
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    words = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", one).replace(" ", "-") for one in words}


def test_the_files_leave_room_below_the_catalogues_100_megabytes():
    assert sum(path.stat().st_size for path in all_files()) < 40e6
