"""Which series are enhanced: the ordered rules, and what no rule can let through."""

import json

import pytest

from CHARMSSRLib.dicom.node.rules import DEFAULT_RULES, decide, read_rules
from CHARMSSRLib.errors import InputError
from Testing.dicom.hospital import headers, item, voxels


def decision(rules=DEFAULT_RULES, count=18, **tags):
    return decide(headers(voxels(count), tags=lambda k: tags), rules)


@pytest.mark.parametrize(
    "tags, words",
    [
        ({"Modality": "CT"}, "not MR but CT"),
        ({"QualityControlImage": "YES"}, "quality control"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localiser"),
        ({"SeriesDescription": "AAHead_Scout"}, "localiser"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "derived"),
        ({"ImageType": ["DERIVED", "PRIMARY", "MPR"]}, "derived"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"], "LossyImageCompression": "01"}, "derived"),
        (
            {
                "ImageType": ["DERIVED", "PRIMARY", "M"],
                "LossyImageCompression": "01",
                "DerivationCodeSequence": item(CodeValue="113072", CodingSchemeDesignator="DCM"),
            },
            "derived",
        ),
        ({"ImageType": ["DERIVED", "SECONDARY", "M", "CHARMS"]}, "of this software"),
        ({"ContributingEquipmentSequence": item(Manufacturer="CHARMSSR")}, "of this software"),
        ({"count": 5}, "only 5 images"),
    ],
)
def test_some_series_are_held_whatever_the_rules_say(tmp_path, tags, words):
    (tmp_path / "r.json").write_text(json.dumps({"rules": [{"match": {}, "action": "enhance"}]}))
    found = decision(read_rules(tmp_path / "r.json"), **tags)
    assert found.action == "hold" and words in found.reason


@pytest.mark.parametrize(
    "code", [{}, {"DerivationCodeSequence": item(CodeValue="113040", CodingSchemeDesignator="DCM")}]
)
def test_originals_that_an_archive_packed_with_loss_are_enhanced(code):
    """The standard has such images call themselves derived; dcmtk's dcmcjpls does so."""
    tags = {"ImageType": ["DERIVED", "PRIMARY", "M", "ND"], "LossyImageCompression": "01", **code}
    assert decision(**tags).action == "enhance"


def test_a_series_with_images_missing_in_between_is_incomplete():
    some = headers(voxels(20))
    assert decide(some, DEFAULT_RULES).action == "enhance"
    assert decide(some[:9] + some[10:], DEFAULT_RULES).reason.startswith("incomplete")


def test_the_first_rule_that_matches_decides_and_nothing_leaves_without_one(tmp_path):
    rules = [
        {"name": "no children", "match": {"PatientAge": "00*"}, "action": "hold"},
        {"name": "T1", "match": {"SeriesDescription": ["*T1*", "*mprage*"], "EchoTime": {"most": 10},
         "ScanningSequence": "gr\\ir"}, "action": "enhance", "settings": {"planes": "axial"}},
        {"name": "room 2", "match": {"StationName": "MR2"}, "action": "enhance"},
    ]  # fmt: skip
    (tmp_path / "r.json").write_text(json.dumps({"rules": rules}))
    read = read_rules(tmp_path / "r.json")
    found = decision(read)
    assert (found.action, found.reason, found.settings) == ("enhance", "rule: T1", {"planes": "axial"})
    assert decision(read, PatientAge="009Y").reason == "rule: no children"
    assert decision(read, EchoTime="90").reason == "no rule matches"
    assert decision(read, EchoTime="90", StationName="mr2").reason == "rule: room 2"
    assert decision(read, SeriesDescription="T2 space", StationName="MR3").action == "hold"


@pytest.mark.parametrize(
    "content, words",
    [
        ("nonsense", "no JSON"),
        ('{"rule": []}', "nothing else"),
        ('{"rules": [{"match": {}}]}', "needs match and action"),
        ('{"rules": [{"match": {}, "action": "send"}]}', "action 'send'"),
        ('{"rules": [{"match": {"EchoTme": 1}, "action": "hold"}]}', "'EchoTme'"),
        ('{"rules": [{"match": {"EchoTime": {"less": 1}}, "action": "hold"}]}', "EchoTime"),
        ('{"rules": [{"match": {}, "action": "enhance", "settings": {"plane": "three"}}]}', "plane"),
        ('{"rules": []}', "hold none"),
        ('{"rules": [{"match": {"Modality": "MR", "Modality": "CT"}, "action": "hold"}]}', "stands twice"),
        ('{"rules": [{"match": {"EchoTime": {"least": 5, "most": 1}}, "action": "hold"}]}', "a up to b"),
        ('{"rules": [{"match": {"EchoTime": {"least": NaN}}, "action": "hold"}]}', "EchoTime"),
        ('{"rules": [{"match": {"Modality": true}, "action": "hold"}]}', "Modality"),
        ('{"rules": [{"match": {"Modality": []}, "action": "hold"}]}', "Modality"),
        ('{"rules": [{"match": {"SourceImageSequence": "x"}, "action": "hold"}]}', "no text or number"),
        ('{"rules": [{"match": {}, "action": "hold", "name": 5}]}', "text for its name"),
        ('{"rules": [{"match": {}, "action": "enhance", "settings": null}]}', "for its settings"),
        ('{"rules": [{"match": {}, "action": "enhance", "settings": {"maps": true}}]}', "no maps"),
        ("[" * 100000, "no rules|no JSON"),
    ],
)
def test_faulty_rules_are_refused_before_anything_is_received(tmp_path, content, words):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(InputError, match=words):
        read_rules(tmp_path / "r.json")


@pytest.mark.parametrize("encoding, accepted", [("utf-8", True), ("utf-8-sig", True), ("utf-16", False)])
def test_rules_as_any_editor_saves_them_are_read_or_refused_in_a_sentence(tmp_path, encoding, accepted):
    text = '{"rules": [{"match": {"SeriesDescription": "*hipp\u00f6*"}, "action": "hold"}]}'
    (tmp_path / "r.json").write_text(text, encoding=encoding)
    if accepted:
        assert read_rules(tmp_path / "r.json")[0].match == {"SeriesDescription": "*hipp\u00f6*"}
    else:
        with pytest.raises(InputError, match="not in UTF-8"):
            read_rules(tmp_path / "r.json")
