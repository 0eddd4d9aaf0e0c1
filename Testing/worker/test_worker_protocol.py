"""Messages survive their trip as lines of bytes; volumes survive theirs as .npy files."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.worker.protocol import MessageStream, ProtocolError, decode, encode, load_volume, save_volume

MESSAGES = [
    {"version": 1, "id": "", "type": "hello", "devices": [{"name": "cpu", "description": "Prozessor, 8 Fäden"}]},
    {"version": 1, "id": "job-1", "type": "progress", "message": "Slice 1 of 2 …"},
    {"version": 1, "id": "job-1", "type": "error", "message": "naïve \n newline"},
]
STREAM = b"".join((json.dumps(message, ensure_ascii=False) + "\n").encode() for message in MESSAGES)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10000])
def test_messages_survive_any_cut_of_the_stream(size):
    stream, received = MessageStream(), []
    for start in range(0, len(STREAM), size):
        received += stream.feed(STREAM[start : start + size])
    assert received == MESSAGES and stream.strange_lines == []


def test_lines_that_are_no_messages_are_set_aside():
    stream = MessageStream()
    assert stream.feed(b'Downloading...\n{"no": "type"}\n[1, 2]\n\n\xff\xfe\n' + STREAM) == MESSAGES
    assert len(stream.strange_lines) == 4


def test_windows_line_ends_are_understood():
    assert MessageStream().feed(STREAM.replace(b"\n", b"\r\n")) == MESSAGES


def test_a_message_is_one_line_of_strict_json():
    assert encode("result", "1", text="a\nb").count(b"\n") == 1
    with pytest.raises(ValueError):
        encode("result", "1", figure=float("nan"))


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"\xff\xfe",
        b"[1, 2]",
        b'{"version": 1, "id": ""}',
        b'{"version": 1, "type": "run"}',
        b'{"version": 1, "id": 3, "type": "run"}',
        b'{"version": 2, "id": "", "type": "run"}',
    ],
)
def test_lines_that_are_no_messages_are_refused(line):
    with pytest.raises(ProtocolError):
        decode(line)


def test_volumes_keep_voxels_type_and_geometry(tmp_path):
    for pixel_type in (sitk.sitkInt16, sitk.sitkFloat32, sitk.sitkUInt8):
        image = sitk.Cast(sitk.GaussianSource(size=(7, 6, 5), scale=100), pixel_type)
        image.SetSpacing((0.1, 2 / 3, 3.3))
        image.SetOrigin((-1e-3, 123.456789, 9e5))
        image.SetDirection((0, 1, 0, 0, 0, -1, 1, 0, 0))
        description = json.loads(json.dumps(save_volume(image, tmp_path, "input")))
        back = load_volume(description, tmp_path)
        assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
        assert back.GetPixelID() == pixel_type
        for quantity in ("GetSpacing", "GetOrigin", "GetDirection"):
            assert getattr(back, quantity)() == getattr(image, quantity)()


def test_bad_volumes_are_refused(tmp_path):
    good = save_volume(sitk.Image(4, 4, 4, sitk.sitkFloat32), tmp_path, "input")
    np.save(tmp_path / "flat.npy", np.zeros((4, 4)))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("nothing")
    whole = (tmp_path / "input.npy").read_bytes()
    for length in (0, 5, len(whole) - 4):
        (tmp_path / f"cut{length}.npy").write_bytes(whole[:length])
    (tmp_path / "job").mkdir()
    for change in (
        {"array": "missing.npy"},
        {"array": "flat.npy"},
        {"array": "objects.npy"},
        {"array": "text.npy"},
        {"array": "cut0.npy"},
        {"array": "cut5.npy"},
        {"array": f"cut{len(whole) - 4}.npy"},
        {"spacing": [1, 2]},
        {"spacing": [1, 0, 1]},
        {"direction": [0] * 9},
        {"origin": "here"},
    ):
        with pytest.raises(ProtocolError):
            load_volume({**good, **change}, tmp_path)
    for bad in (None, {}, "input.npy"):
        with pytest.raises(ProtocolError):
            load_volume(bad, tmp_path)
    with pytest.raises(ProtocolError, match="not a file of the job's folder"):
        load_volume({**good, "array": "../input.npy"}, tmp_path / "job")
