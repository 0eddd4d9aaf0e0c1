"""Docstrings say what an array looks like. That they name the arguments of their function is ruff's to hold."""

import ast
import re

import pytest

from Testing.repository.own_imports import modules_of

SHAPE = re.compile(r"\((?:\w|[*'/.+ -])+,[^)]*\)|shape|1-D")


def functions_of(tree):
    """Public functions of a module, and public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions_of(node)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def takes_an_array(function):
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return any(one.annotation is not None and "ndarray" in ast.unparse(one.annotation) for one in arguments)


def test_who_takes_an_array_says_its_shape():
    silent, seen = [], 0
    for name, path in modules_of("CHARMSSRLib").items():
        for function in functions_of(ast.parse(path.read_text(encoding="utf-8"))):
            if takes_an_array(function):
                seen += 1
                if not SHAPE.search(ast.get_docstring(function) or ""):
                    silent.append(f"{name}.{function.name}")
    assert seen > 120 and not silent


@pytest.mark.parametrize(
    ("text", "says"),
    [("(n, h, w) float32", True), ("(s*n, s*h)", True), ("of any shape", True), ("the result (float)", False)],
)
def test_a_shape_is_told_from_a_remark(text, says):
    assert bool(SHAPE.search(text)) == says
