"""A file is there whole or not at all."""

import pytest

from CHARMSSRLib.files.atomic import replacing, replacing_all


def test_a_finished_file_takes_the_place_of_the_one_before(tmp_path):
    place = tmp_path / "result.png"
    place.write_text("before")
    with replacing(place) as partial:
        partial.write_text("after")
        assert partial.suffix == ".png" and place.read_text(encoding="utf-8") == "before"
    assert place.read_text(encoding="utf-8") == "after" and list(tmp_path.iterdir()) == [place]


def test_an_error_leaves_what_was_there_and_no_remnant(tmp_path):
    place = tmp_path / "result"
    place.write_text("before")
    with pytest.raises(RuntimeError), replacing(place) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert place.read_text(encoding="utf-8") == "before" and list(tmp_path.iterdir()) == [place]


def test_files_that_belong_together_appear_together(tmp_path):
    places = [tmp_path / "weights.safetensors", tmp_path / "weights.json"]
    with pytest.raises(RuntimeError), replacing_all(*places) as (weights, card):
        weights.write_text("1")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with replacing_all(*places) as (weights, card):
        weights.write_text("1")
        card.write_text("2")
    assert sorted(tmp_path.iterdir()) == sorted(places)
