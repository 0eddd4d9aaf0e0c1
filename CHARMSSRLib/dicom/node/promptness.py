"""Has an association act on what happens at once, where pynetdicom looks once in a millisecond.

With pynetdicom an object passes from the thread that reads the network to another one, and the answer back; each
sleeps a millisecond at a time, so that an association spends most of its time asleep or waiting for a free core. Here
the reading thread waits for data itself, has an object stored, and answers. Data is read in large pieces, and what a
peer may have this process keep in memory is bounded. Where another version of pynetdicom has other parts than those
this builds on, an association stays as pynetdicom made it: slower, nothing else.
"""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

# In the state machine of DICOM PS3.8, 9.2: data may be transferred; there is no connection.
_ESTABLISHED, _IDLE = "Sta6", "Sta1"
# A peer that falls silent in the middle of what it announced (its cable was pulled) holds its place no longer.
SILENCE_SECONDS = 30.0
_LOOK_ANYWAY_SECONDS = 0.1  # for time limits, and for whatever wakes nobody
_PIECE = 1 << 18
_LARGEST_PDU = 4 << 20  # four times what is announced; lengths beyond are nonsense, not data
LARGEST_OBJECT = 1 << 30
_ACKNOWLEDGE_AT_ONCE = getattr(socket, "TCP_QUICKACK", None)


def hasten(association: Any, too_large: Callable[[], None] = lambda: None) -> None:
    """Make an accepted association prompt, before its threads start.

    Args:
        association: of pynetdicom.
        too_large: called where a peer sends a larger object than ``LARGEST_OBJECT``; the connection is then closed.
    """
    transport, messages = association.dul, association.dimse
    parts = (
        (association, ("_serve_request", "_accepted_cx")),
        (transport, ("_is_transport_event", "_process_recv_primitive", "state_machine", "to_user_queue", "send_pdu")),
        (messages, ("msg_queue", "get_msg", "message")),
        (transport.socket, ("ready", "recv", "socket")),
    )
    if all(hasattr(part, name) for part, names in parts for name in names):
        from pynetdicom import evt

        bell = _Bell(association)
        bell.install()
        association.bind(evt.EVT_FSM_TRANSITION, bell.end_with_the_connection)
        _Short(association).install()
        transport.socket.socket.settimeout(SILENCE_SECONDS)
        transport.socket.recv = _Reader(transport.socket.socket, messages, too_large)


def keep_answers(association: Any) -> None:
    """Have the answers to what is sent reach the sender.

    In pynetdicom the association's own thread looks for requests in the same queue. It is told to pause while an answer
    is waited for, but may just have passed the place where it pauses; then it takes the answer, finds it to be no
    request and drops it, and the sender waits until its time limit. A sender of objects gets no requests.
    """
    get = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: get(block) if block else (None, None)


class _Bell:
    """Wakes the thread that reads from the network when the other one has something to send, and the other way."""

    def __init__(self, association: Any):
        self._transport, self._messages = association.dul, association.dimse
        self._heard, self._rung = socket.socketpair()
        for end in (self._heard, self._rung):
            end.setblocking(False)
        self._look = self._transport._is_transport_event
        self._send = self._transport.send_pdu

    def install(self) -> None:
        """Put this in the place of pynetdicom's own waiting."""
        self._transport._is_transport_event = self._wait_for_transport
        self._transport.send_pdu = self._send_and_ring
        self._messages.get_msg = self._wait_for_message
        to_user = self._transport.to_user_queue
        put = to_user.put

        def put_and_wake(*arguments: Any, **options: Any) -> None:
            put(*arguments, **options)
            self._messages.msg_queue.put((None, None))  # release and abort are no messages, but to be seen as soon

        to_user.put = put_and_wake

    def end_with_the_connection(self, event: Any) -> None:
        """Let a thread that still waits for a request end at once, and give the bell's ends back."""
        if event.next_state == _IDLE:
            self._transport.to_user_queue.put(None)
            self._heard.close()
            self._rung.close()

    def _send_and_ring(self, primitive):
        self._send(primitive)
        if threading.current_thread() is self._transport:
            return
        with contextlib.suppress(OSError):  # full: it has been rung often enough
            self._rung.send(b"!")

    def _wait_for_transport(self):
        connection = self._transport.socket
        if self._transport.state_machine.current_state == _ESTABLISHED and not connection.ready:
            with contextlib.suppress(OSError, ValueError, TypeError):  # closed meanwhile, which is seen below
                select.select([connection.socket, self._heard], [], [], _LOOK_ANYWAY_SECONDS)
            with contextlib.suppress(OSError):
                self._heard.recv(64)
            if self._transport._process_recv_primitive():
                return False
        return self._look()

    def _wait_for_message(self, block=False):
        try:
            return self._messages.msg_queue.get(timeout=self._messages.dimse_timeout if block else _LOOK_ANYWAY_SECONDS)
        except queue.Empty:
            return None, None


class _Short:
    """Has objects stored by the thread that read them, without waking the other one."""

    def __init__(self, association: Any):
        self._association = association
        self._put = association.dimse.msg_queue.put

    def install(self) -> None:
        """Put this in the place of the queue between the two threads."""
        self._association.dimse.msg_queue.put = self._put_or_serve

    def _put_or_serve(self, item, *arguments, **options):
        from pynetdicom.dimse_primitives import C_STORE

        context, message = item
        known = isinstance(message, C_STORE) and message.is_valid_request and context in self._association._accepted_cx
        if known and self._association.is_established and self._association.dimse.msg_queue.empty():
            self._association._serve_request(message, context)
        else:
            self._put(item, *arguments, **options)


class _Reader:
    """Reads from a connection in large pieces, and never more than a peer may send."""

    def __init__(self, connection: socket.socket, messages: Any, too_large: Callable[[], None]):
        self._connection, self._messages, self._too_large = connection, messages, too_large

    def __call__(self, count: int) -> bytearray:
        """Read so many bytes; fewer, where the connection ends or is to be ended."""
        data = bytearray()
        if count > _LARGEST_PDU:
            return data
        message = self._messages.message
        if message is not None and message.data_set.tell() + count > LARGEST_OBJECT:
            self._too_large()
            return data
        while len(data) < count:
            self._acknowledge()
            piece = self._connection.recv(min(count - len(data), _PIECE))
            if not piece:
                break
            data += piece
        return data

    def _acknowledge(self):
        """Acknowledge at once what arrives.

        Many senders hold back the last piece of an object until all before it was acknowledged, with which a system
        by default takes its time (40 ms). The state does not last, so it is asked for before each reading.
        """
        if _ACKNOWLEDGE_AT_ONCE is not None:
            with contextlib.suppress(OSError):
                self._connection.setsockopt(socket.IPPROTO_TCP, _ACKNOWLEDGE_AT_ONCE, 1)
