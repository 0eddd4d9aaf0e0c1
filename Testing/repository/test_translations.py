"""Every text of the module can be translated, and Qt's own tool finds it."""

import ast
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from Testing.programs import program_of
from Testing.repository.update_cmake_lists import REPOSITORY

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
        if string is None or string.get("notr") == "true":
            continue
        if prop.get("name") in TEXT_PROPERTIES and (string.text or "").strip():
            found.add(string.text)
    return found


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_translators_get_nothing_that_is_not_shown(form):
    """Qt offers every text of a form to translators: a translated parameter name or style sheet breaks the panel."""
    for prop in ElementTree.parse(form).iter("property"):
        for strings in (prop, *prop.iter("stringlist")):
            offered = [one.text for one in strings.findall("string") if one.get("notr") != "true"]
            offered = [text for text in offered if (text or "").strip()]
            assert not offered or strings.get("notr") == "true" or prop.get("name") in TEXT_PROPERTIES, offered


def context_of(script):
    """Slicer's context of a file (slicer.i18n.getContext): with the package's name, where it is in one."""
    return f"{script.parent.name}.{script.stem}" if (script.parent / "__init__.py").exists() else script.stem


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
    program = program_of("PySide6-Essentials", "pyside6-lupdate")
    # As Slicer's own script does: what Qt does not know, the short name "_", becomes what it does.
    sources = []
    for number, script in enumerate(SCRIPTS):
        lines = [f"QCoreApplication.translate({context_of(script)!r}, {text!r})" for text in sorted(texts_of(script))]
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
    missing = {context_of(one): texts_of(one) - contexts.get(context_of(one), set()) for one in SCRIPTS}
    missing.update({form.stem: texts_of_form(form) - contexts.get(form.stem, set()) for form in FORMS})
    assert {name: texts for name, texts in missing.items() if texts} == {}
    assert sum(map(len, contexts.values())) > 300


# Names in italics that are Slicer's own, or no words of the panel.
OTHERS = {"Sample Data", "CHARMSSR", "MRHead CHARMS x2", "More"}


def panel_texts():
    texts = set().union(*map(texts_of, SCRIPTS), *map(texts_of_form, FORMS))
    return {text.rstrip(":") for text in texts} | {"CHARMSSR T1w head"}


def named(text):
    """Names in italics, in the order of the page."""
    text = re.sub(r"!\[[^]]*\]\([^)]*\)|`[^`]*`|\*\*", "", text)
    return [name for name in re.findall(r"(?<![*\w])\*([^*\n]{3,40})\*(?![*\w])", text) if name not in OTHERS]


def tutorial():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return text[text.index("## Tutorial: the panel") : text.index("## Tutorial: Python console")]


@pytest.mark.parametrize("page", ["README.md", "docs/use/panel.md"])
def test_every_name_on_the_page_is_a_text_of_the_panel(page):
    text = tutorial() if page == "README.md" else (REPOSITORY / page).read_text(encoding="utf-8")
    names, texts = named(text), panel_texts()
    assert len(names) > 10
    assert [name for name in names if name not in texts] == []


def test_the_link_of_the_first_run_leads_to_a_heading():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    source = (REPOSITORY / "CHARMSSR/CHARMSSRModule/jobs/installation.py").read_text(encoding="utf-8")
    assert "#offline" in source and re.search(r"^#+ Offline$", readme, re.MULTILINE)
