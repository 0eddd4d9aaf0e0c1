"""The README's tutorial of the Python console, run as it stands there; the worker is the fake one."""

import re

import pytest

from Testing.module.module_helpers import REPOSITORY


@pytest.fixture
def console():
    """The code of the tutorial."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return re.search(r"## Tutorial: Python console\n+```python\n(.*?)```", text, re.DOTALL).group(1)


def test_the_console_tutorial_of_the_readme_runs(slicerModule, addScan, console):
    import slicer

    addScan("MRHead")
    for number in range(1, 6):
        addScan(f"sub-0{number} 3T")
        addScan(f"sub-0{number} 7T", (3.0, 3.0, 4.0))
    names = {"slicer": slicer}
    exec(compile(console, "README.md", "exec"), names)  # as a whole, as it is pasted
    assert names["enhanced"].GetAttribute("CHARMSSR.Report")
    assert names["job"].done and names["job"].error is None and names["job"].node.GetAttribute("CHARMSSR.Report")
    assert {"detail", "disagreement"} <= set(names["maps"])
    assert names["tuned"].checkpointPath and names["tuned"].report
