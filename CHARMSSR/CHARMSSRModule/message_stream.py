"""Bytes of the worker -> messages."""

import json


class MessageStream:
    """Cuts a byte stream into JSON messages, one per line.

    A chunk may end anywhere, even inside a UTF-8 character: the rest is kept for the next one.
    """

    def __init__(self):
        self._rest = b""
        self.strangeLines = []  # lines that are no message, kept for the details of an error

    def feed(self, chunk):
        """Messages (dictionaries) that are complete with this chunk, oldest first."""
        lines = (self._rest + bytes(chunk)).split(b"\n")
        self._rest = lines.pop()
        return [message for message in map(self._parse, lines) if message is not None]

    def _parse(self, line):
        text = line.decode("utf-8", errors="replace").strip()
        if not text:
            return None
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict) or "type" not in message:
            self.strangeLines.append(text)
            return None
        return message


def encodeMessage(kind, identifier="", **fields):
    """One message of protocol version 1 as a line of bytes."""
    message = {"version": 1, "id": identifier, "type": kind, **fields}
    return (json.dumps(message, ensure_ascii=False) + "\n").encode("utf-8")
