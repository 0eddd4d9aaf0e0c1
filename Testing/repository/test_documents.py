"""The documents say what is true of this tree."""

import json
import re

import pytest

from CHARMSSRLab.cli import COMMANDS as LABORATORY_COMMANDS
from CHARMSSRLib import CHARMS, available_checkpoints
from CHARMSSRLib.checkpoints.registry import BUNDLED_FOLDER
from CHARMSSRLib.cli import entry


def python_blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_example_of_the_network_page_runs(repository, capsys):
    (example,) = python_blocks(repository / "docs" / "reference" / "network.md")
    exec(compile(example, "docs/reference/network.md", "exec"), {})
    assert capsys.readouterr().out.strip() == "1739408"


def test_the_network_pages_totals_are_the_networks_own(repository):
    text = (repository / "docs" / "reference" / "network.md").read_text(encoding="utf-8")
    for scale in (2, 4):
        count = sum(parameter.numel() for parameter in CHARMS(scale=scale).parameters())
        assert f"**{count:,}** (x{scale})" in text


def test_the_examples_of_the_readme_are_python(repository):
    blocks = python_blocks(repository / "README.md")
    assert len(blocks) == 2
    for block in blocks:
        compile(block, "README.md", "exec")


def test_the_readme_shows_only_commands_that_exist(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^charmssr ([\w-]+)", text, flags=re.MULTILINE))
    assert shown and shown <= {*entry.COMMANDS, *LABORATORY_COMMANDS}


def test_every_option_in_the_readme_is_an_option_of_enhance(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    (subparsers,) = [action for action in entry.build_parser()._actions if action.dest == "command"]
    known = set(subparsers.choices["enhance"]._option_string_actions)
    lines = [line for line in text.splitlines() if line.startswith("charmssr enhance ")]
    used = {option for line in lines for option in re.findall(r"--[\w-]+", line)}
    assert used and used <= known


def test_the_readme_names_every_bundled_checkpoint(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("CHARMSSR_HOME", str(tmp_path))
    text = (repository / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([\w-]+)`", text, flags=re.MULTILINE)
    assert sorted(table) == sorted(available_checkpoints())


def test_the_gains_in_the_readme_are_those_of_the_cards(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)`.*\| (T1w .* dB) \|$", text, flags=re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(path.stem for path in BUNDLED_FOLDER.glob("charms-*.json"))
    for name, shown in rows:
        card = json.loads((repository / "CHARMSSRLib" / "checkpoints" / f"{name}.json").read_text(encoding="utf-8"))
        found = dict(re.findall(r"(T[12]w) (.*?) dB", shown))
        assert list(found) == ["T1w", "T2w"]
        for contrast, figures in found.items():
            gains = [card["evaluation"][one][contrast]["gain"] for one in ("bicubic", "kspace", "blur", "clinical")]
            assert [float(one) for one in figures.split(" / ")] == pytest.approx(gains, abs=0.051)  # rounded twice


def test_modules_and_files_that_pages_cards_and_sources_name_are_there(repository):
    """What a reader is told to run or to look at; NAME stands for a name of the reader's own."""
    folders = ("docs", "CHARMSSR", "CHARMSSRLib", "CHARMSSRLab", "Resources", "containers", "findings")
    kinds = (".md", ".py", ".json", ".sh")
    places = [path for folder in folders for path in (repository / folder).rglob("*") if path.suffix in kinds]
    absent, seen = [], 0
    for place in [*places, *repository.glob("*.md")]:
        text = place.read_text(encoding="utf-8")
        files = re.findall(r"(?<![\w/.-])(CHARMSSR(?:Lib|Lab)?/[\w/]+\.py)", text)
        for module in re.findall(r"python -m (CHARMSSR(?:Lib|Lab)[\w.]*\w)", text):
            path = module.replace(".", "/")
            files.append(f"{path}.py" if (repository / f"{path}.py").is_file() else f"{path}/__main__.py")
        seen += len(files)
        absent += [f"{place.name}: {one}" for one in files if "NAME" not in one and not (repository / one).is_file()]
    assert seen > 40 and not absent
