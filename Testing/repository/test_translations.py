"""Every text of the module can be translated, and Qt's own tool finds it."""

import ast
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from update_cmake_lists import REPOSITORY

MODULE = REPOSITORY / "CHARMSSR"
SCRIPTS = sorted([MODULE / "CHARMSSR.py", *(MODULE / "CHARMSSRModule").rglob("*.py")])
FORMS = sorted((MODULE / "Resources" / "UI").glob("*.ui"))
TEXT_PROPERTIES = {"text", "title", "toolTip", "placeholderText", "specialValueText", "noneDisplay"}


def translated_calls(script):
    """Calls of ``_`` in a file."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
    ]


def texts_of(script):
    """Texts that a file hands to ``_``."""
    return {call.args[0].value for call in translated_calls(script)}


def texts_of_form(form):
    """Texts that a .ui file shows."""
    found = set()
    for prop in ElementTree.parse(form).iter("property"):
        string = prop.find("string")
        if prop.get("name") in TEXT_PROPERTIES and string is not None and (string.text or "").strip():
            found.add(string.text)
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_texts_are_handed_over_whole_and_their_places_are_filled_afterwards(script):
    """An f-string or a sum would be another text each time, which no translator has seen."""
    wrong = [
        ast.unparse(call)
        for call in translated_calls(script)
        if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant)
    ]
    assert wrong == []


def test_qt_extracts_every_text_into_a_translation_file(tmp_path):
    lupdate = Path(sys.executable).with_name("pyside6-lupdate")
    program = str(lupdate) if lupdate.exists() else shutil.which("pyside6-lupdate")
    if program is None:
        pytest.skip("pyside6-lupdate (PySide6-Essentials) is not installed")
    # As Slicer's own script does: what Qt does not know, the short name "_", becomes what it does.
    sources = []
    for number, script in enumerate(SCRIPTS):
        lines = [f"QCoreApplication.translate({script.stem!r}, {text!r})" for text in sorted(texts_of(script))]
        copy = tmp_path / f"{number}.py"
        copy.write_text("from PySide6.QtCore import QCoreApplication\n" + "\n".join(lines) + "\n", encoding="utf-8")
        sources.append(str(copy))
    target = tmp_path / "CHARMSSR_de.ts"
    done = subprocess.run(
        [program, *sources, *map(str, FORMS), "-ts", str(target)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    contexts = {}
    for context in ElementTree.parse(target).iter("context"):
        contexts.setdefault(context.findtext("name"), set()).update(
            message.findtext("source") for message in context.iter("message")
        )
    missing = {script.stem: texts_of(script) - contexts.get(script.stem, set()) for script in SCRIPTS}
    missing.update({form.stem: texts_of_form(form) - contexts.get(form.stem, set()) for form in FORMS})
    assert {name: texts for name, texts in missing.items() if texts} == {}
    assert sum(map(len, contexts.values())) > 300
