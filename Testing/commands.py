"""Runs a command line in this process, and puts stand-ins into the place of what it imports."""

import sys
import types


def put_in_place(monkeypatch, name, **members):
    """A module of the name with these members, found by whoever imports it; returns the first member."""
    module = types.ModuleType(name)
    for member, value in members.items():
        setattr(module, member, value)
    monkeypatch.setitem(sys.modules, name, module)
    return next(iter(members.values()))


def run_command(main, capfd, *arguments):
    """Run ``main`` with the arguments as text; returns its status, standard output and standard error."""
    status = main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return types.SimpleNamespace(status=status, out=out, err=err)
