"""A setting is described once: the command line and the checks are made from the same table."""

import pytest

from CHARMSSRLib.cli.entry import build_parser, own_commands
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.settings import DICOMSettings, EnhancementSettings, FineTuningSettings, NodeSettings
from CHARMSSRLib.settings_table import settings_of

TABLES = {"enhance": EnhancementSettings, "batch": EnhancementSettings, "fine-tune": FineTuningSettings}


def options_of(command):
    (subparsers,) = [one for one in build_parser(own_commands())._actions if one.dest == "command"]
    return {action.dest: action for action in subparsers.choices[command]._actions}


@pytest.mark.parametrize("command", TABLES)
def test_every_setting_is_an_option_with_its_default_its_choices_and_its_help(command):
    options = options_of(command)
    for name, (described, default) in settings_of(TABLES[command]).items():
        if not described.on_the_command_line:
            continue
        option = options[name]
        assert option.default == default
        assert option.choices is None or tuple(option.choices) == described.choices
        assert option.help.startswith(described.help)


@pytest.mark.parametrize("table", [EnhancementSettings, FineTuningSettings, DICOMSettings, NodeSettings])
def test_every_setting_refuses_what_it_cannot_be(table):
    for name, (described, default) in settings_of(table).items():
        wrong = [object()]
        if described.choices is not None or described.pattern:
            wrong.append("no such thing!")
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            low = None if described.least is None else described.least - 1
            wrong += ["many", True, float("nan"), float("inf"), low]
        for value in wrong:
            with pytest.raises(SettingsError):
                table(**{name: value})
        assert getattr(table(**{name: default}), name) == default


@pytest.mark.parametrize("values", [None, [], ["planes"], "planes", 3, {3: 4}, {"speed": 3}])
def test_settings_come_from_a_mapping_of_known_names(values):
    with pytest.raises(SettingsError, match="mapping|Unknown setting"):
        EnhancementSettings.from_dict(values)
