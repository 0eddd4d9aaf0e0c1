"""The public surface is annotated to the last argument, and the type checker agrees with it."""

import ast
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def public_functions(tree):
    """(name, function) of every public function and method of public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for one in node.body:
                if isinstance(one, ast.FunctionDef) and (one.name == "__init__" or not one.name.startswith("_")):
                    yield f"{node.name}.{one.name}", one


def test_every_public_function_of_the_library_is_annotated():
    bare, seen = [], 0
    for path in sorted((REPOSITORY / "CHARMSSRLib").rglob("*.py")):
        for name, function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            seen += 1
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            missing = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
            if missing or function.returns is None:
                bare.append(f"{path.relative_to(REPOSITORY)}, {name}: {missing or 'what it returns'}")
    assert seen > 800 and not bare


def test_the_type_checker_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
