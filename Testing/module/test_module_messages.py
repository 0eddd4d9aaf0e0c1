"""Bytes of the worker become messages, wherever they are cut."""

import json

import pytest
from CHARMSSRModule.message_stream import MessageStream, encodeMessage

MESSAGES = [
    {"version": 1, "id": "", "type": "hello", "devices": [{"name": "cpu", "description": "Prozessor, 8 Fäden"}]},
    {"version": 1, "id": "job-1", "type": "progress", "message": "Slice 1 of 2 …"},
    {"version": 1, "id": "job-1", "type": "error", "message": "naïve \n newline"},
]
STREAM = b"".join((json.dumps(message, ensure_ascii=False) + "\n").encode() for message in MESSAGES)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10000])
def test_messages_survive_any_cut(size):
    stream = MessageStream()
    received = []
    for start in range(0, len(STREAM), size):
        received += stream.feed(STREAM[start : start + size])
    assert received == MESSAGES
    assert stream.strangeLines == []


def test_an_unfinished_line_waits_for_its_end():
    stream = MessageStream()
    assert stream.feed(STREAM[:20]) == []
    assert stream.feed(STREAM[20:]) == MESSAGES


def test_lines_that_are_no_messages_are_set_aside():
    stream = MessageStream()
    received = stream.feed(b'Downloading...\n{"no": "type"}\n[1, 2]\n\n\xff\xfe\n' + STREAM)
    assert received == MESSAGES
    assert len(stream.strangeLines) == 4


def test_windows_line_ends_are_understood():
    assert MessageStream().feed(STREAM.replace(b"\n", b"\r\n")) == MESSAGES


def test_a_message_is_one_line_of_utf8():
    line = encodeMessage("run", "job-3", folder="/tmp/Größe\n")
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert json.loads(line) == {"version": 1, "id": "job-3", "type": "run", "folder": "/tmp/Größe\n"}
