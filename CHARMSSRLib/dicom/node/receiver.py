"""The receiving side: takes objects by C-STORE, answers C-ECHO, says Success only for what is on the disk."""

from __future__ import annotations

import errno
import ssl
import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any

from ... import __version__
from ..needs import need
from ..uids import IMPLEMENTATION_UID, is_uid
from .audit import Audit
from .promptness import SILENCE_SECONDS, hasten
from .spool import OutOfResources, Spool
from .tls import LateHandshake

SUCCESS, OUT_OF_RESOURCES, NOT_AS_ANNOUNCED, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xA900, 0xC000
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_SYNTAXES = (
    "1.2.840.10008.1.2.1",  # explicit little endian
    "1.2.840.10008.1.2",  # implicit little endian
    "1.2.840.10008.1.2.4.90",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.80",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.5",  # RLE
    "1.2.840.10008.1.2.4.70",  # JPEG lossless
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.2",  # explicit big endian
)
_SERIES, _IMAGE = "SeriesInstanceUID", "SOPInstanceUID"
_SERIES_TAG = 0x0020000E
_LONGEST_HEAD = 4 << 20
_PREAMBLE = b"\0" * 128 + b"DICM"
_LARGEST_MESSAGE = 1 << 20


class Receiver:
    """A storage server.

    Args:
        spool: where objects go.
        audit: the record.
        title: own application's title; associations that call another are rejected.
        callers: titles that may call; empty for all.
        connections: at once; more are rejected.
    """

    def __init__(self, spool: Spool, audit: Audit, title: str, callers: list[str], connections: int = 16) -> None:
        self._spool, self._audit = spool, audit
        self._lock = threading.Lock()
        self._touched: dict[int, dict[str, int]] = {}
        self.interrupted: set[str] = set()
        self._server: Any = None
        self._entity = self._make_entity(title, callers, connections)

    def _make_entity(self, title, callers, connections):
        need("pynetdicom")
        from pynetdicom import AE, AllStoragePresentationContexts, _config

        _config.LOG_HANDLER_LEVEL = "none"
        entity = AE(ae_title=title)
        introduce(entity)
        entity.require_called_aet = True
        entity.require_calling_aet = callers
        entity.maximum_associations = connections
        entity.maximum_pdu_size = _LARGEST_MESSAGE
        entity.acse_timeout, entity.dimse_timeout, entity.network_timeout = 30, 60, 60
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, list(_SYNTAXES))
        entity.add_supported_context("1.2.840.10008.1.1")  # verification
        return entity

    def start(self, address: str, port: int, security: ssl.SSLContext | None = None) -> int:
        """Listen; returns the port (a free one where 0 was asked for).

        Raises:
            OSError: the address cannot be listened on.
        """
        from pynetdicom import evt

        handlers: list[tuple[Any, Callable[..., Any]]] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_ECHO, lambda event: SUCCESS),
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_RELEASED, self._released),
            (evt.EVT_ABORTED, self._lost),
            (evt.EVT_CONN_CLOSE, self._lost),
        ]
        self._server = self._entity.start_server(
            (address, port),
            block=False,
            evt_handlers=handlers,
            ssl_context=security and LateHandshake(security, SILENCE_SECONDS),
        )
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Listen no more; what is being received is aborted, which its sender will see."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self._entity.shutdown()

    def _store(self, event):
        try:
            return self._keep(event)
        except OutOfResources as error:
            self._audit("refused", reason=str(error), caller=_caller(event))
            return OUT_OF_RESOURCES
        except OSError as error:
            reason = "the disk is full" if error.errno in _FULL else str(error.strerror or error)
            self._audit("refused", reason=reason, caller=_caller(event))
            return OUT_OF_RESOURCES
        except Exception as error:
            self._audit("refused", reason=f"{type(error).__name__}: cannot be understood", caller=_caller(event))
            return CANNOT_UNDERSTAND

    def _keep(self, event):
        from pydicom.filereader import read_partial

        data, meta = event.request.DataSet.getvalue(), _header_of(event)
        syntax, announced = str(event.context.transfer_syntax), str(event.request.AffectedSOPInstanceUID)
        # Nothing beyond the identifiers is looked at while the sender waits.
        head = read_partial(
            BytesIO(meta + data[:_LONGEST_HEAD]),
            stop_when=lambda tag, vr, length: tag > _SERIES_TAG,
            force=True,
            specific_tags=[0x00080016, 0x00080018, _SERIES_TAG],
        )
        series, image = str(head.get(_SERIES, "")), str(head.get(_IMAGE, ""))
        if not (is_uid(series) and is_uid(image)):
            self._audit("refused", reason="no valid identifiers", caller=_caller(event))
            return CANNOT_UNDERSTAND
        if image != announced or str(head.get("SOPClassUID", "")) != str(event.request.AffectedSOPClassUID):
            self._audit("refused", reason="another object than announced", caller=_caller(event))
            return NOT_AS_ANNOUNCED
        new = self._spool.add(series, image, meta, data)
        with self._lock:
            touched = self._touched.setdefault(id(event.assoc), {})
            touched[series] = touched.get(series, 0) + 1
            self.interrupted.discard(series)
        if not new:
            self._audit("repeated", series=series, syntax=syntax, caller=_caller(event))
        return SUCCESS

    def _opened(self, event):
        hasten(event.assoc, lambda: self._audit("refused", reason="larger than 1 GiB", caller=_caller(event)))

    def _accepted(self, event):
        with self._lock:
            self._touched[id(event.assoc)] = {}

    def _rejected(self, event):
        self._audit("association rejected", caller=_caller(event))

    def _released(self, event):
        with self._lock:
            touched = self._touched.pop(id(event.assoc), {})
        self._note(event, touched, "received")

    def _lost(self, event):
        with self._lock:
            touched = self._touched.pop(id(event.assoc), {})
            self.interrupted |= set(touched)
        self._note(event, touched, "interrupted")

    def _note(self, event, touched, word):
        for series, count in touched.items():
            self._audit(word, series=series, images=count, caller=_caller(event))


def introduce(entity: Any) -> None:
    """Have an application entity of pynetdicom say which program it belongs to."""
    entity.implementation_class_uid = IMPLEMENTATION_UID
    entity.implementation_version_name = f"CHARMSSR {__version__}"[:16]


def _header_of(event):
    """Preamble and file meta group for an object that came over the network."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info

    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    meta = event.file_meta
    write_file_meta_info(stream, meta, enforce_standard=True)
    return _PREAMBLE + stream.getvalue()


def _caller(event):
    try:
        return str(event.assoc.requestor.ae_title).strip()
    except AttributeError:
        return ""
