"""Code of the Slicer module never asks for the truth of a Qt, VTK or MRML object.

PythonQt calls an empty layout, menu or URL false (and its list of such classes grows with Qt), so "is there one?" is
asked by ``is None`` only. The syntax tree shows where an object is asked, as far as its name, the call that gave it
or its place in ``ui`` tells what it is.
"""

import ast
import re

import pytest

from Testing.repository.update_cmake_lists import REPOSITORY

SCRIPTS = sorted((REPOSITORY / "CHARMSSR").rglob("*.py"))
SCRIPTS += sorted((REPOSITORY / "Testing" / "slicer").glob("*.py"))

_OBJECT = (
    r"(node|volume|scan|widget|layout|button|label|frame|selector|combobox|spinbox|checkbox|slider|lineedit|window|"
    r"manager|scene|imagedata|image|image[37]t|mask3t|transform|matrix|segmentation|logic|process|timer|menu|action|url|"
    r"icon|pixmap|rect|dialog|application|app|view|polydata|collection)$"
)
# A variable, parameter or attribute of this name holds an object; names of questions and of numbers do not.
OBJECT_NAME = re.compile(_OBJECT, re.IGNORECASE)
QUESTION = re.compile(r"^_?(is|has|was|can|did|should|uses|reason|shown?|with)[A-Z_]")
# A call of a function with such a name gives an object, or None.
OBJECT_CALL = re.compile(r"^(Get\w*Nodes?By\w+|[a-z]+Child|SafeDownCast|NewInstance|.*" + _OBJECT + ")", re.IGNORECASE)
# Lists of slicer.util; numbers and answers.
NO_OBJECT = re.compile(r"^(_?get[a-zA-Z]*Nodes(By\w+)?|(GetItem|GetNumberOf|Export)\w+)$")
CLASS = re.compile(r"^(Q[A-Z]\w+|qMRML\w+|ctk[A-Z]\w+|vtk[A-Z]\w+)$")


def asked_truths(tree):
    """Expressions whose truth the code asks, without the comparisons and constants among them."""
    asked = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            asked.append(node.test)
        elif isinstance(node, ast.comprehension):
            asked += node.ifs
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            asked.append(node.operand)
        elif isinstance(node, ast.BoolOp):
            asked += node.values[:-1]  # the last one is the value of the whole, asked where the whole is
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "bool":
            asked += node.args
    inner = [node.values[-1] for node in asked if isinstance(node, ast.BoolOp)]
    return asked + inner


def _name(expression):
    if isinstance(expression, ast.Name):
        return expression.id
    return expression.attr if isinstance(expression, ast.Attribute) else ""


def gives_object(expression, variables=()):
    """Whether an expression is, by all that its text tells, an object of Qt, VTK or MRML."""
    if isinstance(expression, ast.Call):
        name = _name(expression.func)
        return bool(CLASS.match(name) or OBJECT_CALL.match(name)) and not (
            NO_OBJECT.match(name) or QUESTION.match(name)
        )
    if isinstance(expression, ast.Attribute) and _name(expression.value) in ("ui", "_ui"):
        return True
    name = _name(expression)
    return bool(name) and (name in variables or bool(OBJECT_NAME.search(name)) and not QUESTION.match(name))


def truths_of_objects(source):
    """(line, text) of each place that asks an object for its truth."""
    tree = ast.parse(source)
    found = set()
    for scope in [tree, *[node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]]:
        variables = {
            target.id
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and gives_object(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        if scope is tree:
            continue
        for expression in asked_truths(scope):
            if gives_object(expression, variables):
                found.add((expression.lineno, ast.unparse(expression)))
    return sorted(found)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_module_code_asks_no_object_for_its_truth(script):
    assert truths_of_objects(script.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "body",
    [
        "if self.ui.rows: pass",
        "if not inputNode: pass",
        "return volume and volume.GetName()",
        "x = 1 if widget.layout() else 2",
        "while not scene.GetFirstNodeByClass('vtkMRMLNode'): pass",
        "if scene.GetNodesByClass('vtkMRMLNode'): pass",
        "image = node.GetImageData()\n    return image or None",
        "thing = qt.QMenu()\n    assert thing",
        "return [each for each in nodes if each.layout()]",
        "return bool(slicer.mrmlScene.GetNodeByID(x).GetDisplayNode())",
        "return text or not selector.currentNode()",
    ],
)
def test_the_search_finds_the_truth_of_an_object(body):
    assert truths_of_objects(f"def f():\n    {body}\n")


@pytest.mark.parametrize(
    "body",
    [
        "if node is None: pass",
        "if not nodes: pass",
        "if slicer.util.getNodesByClass('vtkMRMLNode'): pass",
        "if self.ui.box.checked: pass",
        "return node.GetName() or text",
        "if isVolume(node): pass",
        "return node",
        "return isReady and node",
    ],
)
def test_the_search_leaves_values_alone(body):
    assert truths_of_objects(f"def f():\n    {body}\n") == []
