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


def missing_imports(name, path, known):
    """What a file imports from the repository's own packages though it is not there: "package.module.name" each."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    own = {one.partition(".")[0] for one in known}
    missing = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (source := _source(node, package)).partition(".")[0] in own:
            missing += [
                f"{source}.{alias.name}"
                for alias in node.names
                if f"{source}.{alias.name}" not in known and not (source in known and _holds(known[source], alias.name))
            ]
    return missing


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


def _source(node, package):
    """The dotted name of what a "from ... import" takes its names from."""
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
    return ".".join(part for part in (base, node.module) if part)


@functools.cache
def _names_in(path):
    """Names that a module defines or imports; a module with its own ``__getattr__`` also those that it names."""
    names, tree = set(), ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if "__getattr__" in names:
        names |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return frozenset(names)


def _holds(path, name):
    return name == "*" or name in _names_in(path)


def _is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
