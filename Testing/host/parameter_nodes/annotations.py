"""What stands beside the type in ``Annotated[type, ...]``."""

import abc
import dataclasses
import typing


class Default:
    """The value of a parameter that nobody has set; ``generator`` makes a new one each time."""

    def __init__(self, value=None, *, generator=None):
        self._value = value
        self._generator = generator

    @property
    def value(self):
        return self._generator() if self._generator else self._value


@dataclasses.dataclass
class Decimals:
    """Decimals that a spin box shows."""

    value: int


@dataclasses.dataclass
class SingleStep:
    """Step of a spin box or slider."""

    value: float


class Validator(abc.ABC):
    """Refuses values of a parameter by an exception."""

    @abc.abstractmethod
    def validate(self, value):
        """Raises ValueError (or TypeError) for a value that isn't allowed."""


class NotNone(Validator):
    """Any value but None."""

    def validate(self, value):
        if value is None:
            raise ValueError("Value must not be None")


class IsInstance(Validator):
    """A value of a type, or None."""

    def __init__(self, classtype):
        self.classtype = classtype

    def validate(self, value):
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value must be of type '{self.classtype}', is type '{type(value)}' value '{value}'")


class WithinRange(Validator):
    """A value from minimum to maximum, both allowed."""

    def __init__(self, minimum, maximum):
        self.minimum = minimum
        self.maximum = maximum

    def validate(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


class Minimum(Validator):
    """A value no smaller than this."""

    def __init__(self, minimum):
        self.minimum = minimum

    def validate(self, value):
        if value < self.minimum:
            raise ValueError(f"Value must be greater than {self.minimum}, is {value}")


class Maximum(Validator):
    """A value no greater than this."""

    def __init__(self, maximum):
        self.maximum = maximum

    def validate(self, value):
        if value > self.maximum:
            raise ValueError(f"Value must be less than {self.maximum}, is {value}")


class Choice(Validator):
    """One of a list."""

    def __init__(self, choices):
        self.choices = choices

    def validate(self, value):
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


class Exclude(Validator):
    """None of a list."""

    def __init__(self, excludedValues):
        self.excludedValues = excludedValues

    def validate(self, value):
        if value in self.excludedValues:
            raise ValueError(f"Value must not be one of {self.excludedValues}, is {value}")


def split(annotatedType):
    """The plain type and the list of what is annotated."""
    if typing.get_origin(annotatedType) is typing.Annotated:
        arguments = typing.get_args(annotatedType)
        return arguments[0], list(arguments[1:])
    return annotatedType, []


def first(annotations, kind):
    """The first annotation of a kind, or None."""
    return next((each for each in annotations if isinstance(each, kind)), None)
