"""Reads which of the repository's own modules a file imports, and what can be reached from where."""

import ast
import functools
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def modules_of(package, folder=REPOSITORY):
    """Dict of dotted module name -> path, for every Python file of a package of the repository."""
    found = {}
    for path in sorted((folder / package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(name, path, known):
    """Dotted names of the repository's own modules that a file imports, inside its functions too."""
    whole = {one if one in known else source for one, source in _imported(name, path)}
    return {one for one in whole if one in known and one != name}


@functools.cache
def _imported(name, path):
    """Pairs of what is imported, as if it were a module, and the module that it is of if it is none."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_the_type_checker = {
        one for node in ast.walk(tree) if _is_type_checking(node) for inner in node.body for one in ast.walk(inner)
    }
    for node in ast.walk(tree):
        if node in for_the_type_checker:
            continue
        if isinstance(node, ast.Import):
            found |= {(alias.name, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            found |= {(f"{source}.{alias.name}", source) for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("."):
            named = f"{package}{node.value}"  # for import_module: the backends of the skull-strip
            found.add((named, named))
    return found


def reachable(roots, known):
    """Names of the modules that can be reached from some, these and the packages around each included.

    Args:
        roots: dotted names of modules, all of them in ``known``.
        known: dict of dotted name -> path.

    Raises:
        KeyError: a root is not known.
    """
    found, ahead = set(), list(roots)
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.add(name)
        parts = name.split(".")
        around = (".".join(parts[:count]) for count in range(1, len(parts)))
        ahead += [*imports_of(name, known[name], known), *(package for package in around if package in known)]
    return found


def _is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
