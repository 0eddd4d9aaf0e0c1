"""What the tutorial and the help page call by name can be found in the panel under that name."""

import re

import pytest
from test_translations import FORMS, SCRIPTS, texts_of, texts_of_form
from update_cmake_lists import REPOSITORY

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
    names = named(text)
    assert len(names) > 10
    assert [name for name in names if name not in panel_texts()] == []


def test_the_link_of_the_first_run_leads_to_a_heading():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    source = (REPOSITORY / "CHARMSSR/CHARMSSRModule/jobs/installation.py").read_text(encoding="utf-8")
    assert "#offline" in source and re.search(r"^#+ Offline$", readme, re.MULTILINE)
