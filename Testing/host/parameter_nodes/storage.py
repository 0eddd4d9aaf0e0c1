"""How values of each type are kept in a vtkMRMLScriptedModuleNode."""

import enum
import pathlib
import types
import typing

import slicer

from .annotations import IsInstance, NotNone, Validator, split


class Storage:
    """Keeps a value as text; the functions say how it is written and read."""

    def __init__(self, kind, default, toText=str, fromText=str, validators=()):
        self.kind = kind
        self.default = default
        self.toText = toText
        self.fromText = fromText
        self.validators = list(validators)

    def accepts(self, value):
        return isinstance(value, self.kind)

    def validate(self, value):
        for validator in self.validators:
            validator.validate(value)

    def isIn(self, node, name):
        return node.HasParameter(name)

    def write(self, node, name, value):
        self.validate(value)
        node.SetParameter(name, self.toText(value))

    def read(self, node, name):
        return self.fromText(node.GetParameter(name))

    def remove(self, node, name):
        node.UnsetParameter(name)


class NodeStorage(Storage):
    """Keeps a node as a node reference, beside an empty parameter that says "there is a value"."""

    def write(self, node, name, value):
        self.validate(value)
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node, name):
        return node.GetNodeReference(name)

    def remove(self, node, name):
        node.UnsetParameter(name)
        node.RemoveNodeReferenceIDs(name)


class UnionStorage(Storage):
    """Keeps a value under ``name.index`` with the index of the first type that accepts it."""

    def __init__(self, members):
        self.members = members
        super().__init__(object, None if members[-1].kind is type(None) and len(members) == 2 else members[0].default)

    def isIn(self, node, name):
        return any(member.isIn(node, f"{name}.{index}") for index, member in enumerate(self.members))

    def write(self, node, name, value):
        self.validate(value)
        problem = None
        for index, member in enumerate(self.members):
            if not member.accepts(value):
                continue
            try:
                member.validate(value)
            except (TypeError, ValueError) as error:
                problem = error
                continue
            with slicer.util.NodeModify(node):
                self.remove(node, name)
                member.write(node, f"{name}.{index}", value)
            return
        raise problem or TypeError(f"Unable to write value '{value}' of type '{type(value)}'")

    def read(self, node, name):
        for index, member in enumerate(self.members):
            if member.isIn(node, f"{name}.{index}"):
                return member.read(node, f"{name}.{index}")
        raise KeyError(f"Unable to find value for name: {name}")

    def remove(self, node, name):
        for index, member in enumerate(self.members):
            member.remove(node, f"{name}.{index}")


def _isUnion(kind):
    return typing.get_origin(kind) is typing.Union or isinstance(kind, getattr(types, "UnionType", ()))


def storageOf(annotatedType):
    """The storage of a type as a class annotates it.

    Returns:
        The storage and the annotations that it did not use.

    Raises:
        NotImplementedError: the real wrapper may know the type, this stand-in does not.
    """
    kind, annotations = split(annotatedType)
    storage = _plainStorage(kind)
    storage.validators += [each for each in annotations if isinstance(each, Validator)]
    return storage, [each for each in annotations if not isinstance(each, Validator)]


def _plainStorage(kind):
    if _isUnion(kind):
        return UnionStorage([storageOf(member)[0] for member in typing.get_args(kind)])
    if kind is type(None):
        return Storage(type(None), None, lambda value: "None", lambda text: None)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return NodeStorage(kind, None, validators=[IsInstance(kind)])
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return Storage(kind, next(iter(kind)), lambda value: value.name, lambda text: kind[text], [IsInstance(kind)])
    if kind is bool:
        return Storage(
            bool,
            False,
            lambda value: "True" if value else "False",
            lambda text: text == "True",
            [NotNone(), IsInstance(bool)],
        )
    if kind in (int, float):
        accepted = int if kind is int else (int, float)
        return Storage(accepted, 0, str, kind, [NotNone(), IsInstance(accepted)])
    if kind is str:
        return Storage(str, "", str, str, [NotNone(), IsInstance(str)])
    if isinstance(kind, type) and issubclass(kind, pathlib.PurePath):
        return Storage(kind, kind(), str, kind, [NotNone(), IsInstance(kind)])
    raise NotImplementedError(f"The host's parameterNodeWrapper doesn't know the type {kind}.")


def nodeClasses(annotatedType):
    """The node classes of a node type or of a union of node types (and None); nothing for other types."""
    kind, _ = split(annotatedType)
    members = [split(each)[0] for each in (typing.get_args(kind) if _isUnion(kind) else (kind,))]
    nodes = [each for each in members if isinstance(each, type) and issubclass(each, slicer.vtkMRMLNode)]
    return nodes if len(nodes) == sum(each is not type(None) for each in members) else []
