"""The sending side: a job's results to the archive, object by object, each noted once it was taken."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import SettingsError
from ..needs import need
from .durable import flush_folder
from .promptness import keep_answers
from .receiver import introduce
from .spool import OBJECT, SENT

_PEER = re.compile(r"([\x21-\x7e]{1,16})@(\[[0-9a-fA-F:]+\]|[^:@\s]+):(\d{1,5})")


class SendError(Exception):
    """Not everything was taken; later it may be.

    Attributes:
        refused: whether the peer refused an object for what it is, so that a repetition may be in vain.
    """

    def __init__(self, message: str, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True)
class Peer:
    """Where results go: TITLE@HOST:PORT."""

    title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Peer:
        """A peer from "PACS@host:104".

        Raises:
            SettingsError: it is not written so.
        """
        found = _PEER.fullmatch(text)
        if found is None or not 0 < int(found.group(3)) < 65536:
            raise SettingsError(f"{text!r} is no peer; write it as TITLE@HOST:PORT, for example PACS@pacs.local:104.")
        return cls(found.group(1), found.group(2).strip("[]"), int(found.group(3)))

    def __str__(self) -> str:
        return f"{self.title}@{self.host}:{self.port}"


def send(
    folder: Path,
    peer: Peer,
    title: str,
    is_stopped: Callable[[], bool] = lambda: False,
    security: ssl.SSLContext | None = None,
) -> int:
    """Send what is left of a folder's objects; returns how many were taken now.

    Args:
        folder: with objects; each is renamed once the peer has answered Success (or a warning) for it.
        peer: the archive.
        title: own title.
        is_stopped: asked between objects.
        security: for TLS.

    Raises:
        SendError: the peer cannot be reached, went away, or did not take an object.
    """
    need("pynetdicom")
    from pydicom import dcmread
    from pynetdicom import AE, _config

    _config.LOG_HANDLER_LEVEL = "none"
    left = sorted(path for path in folder.glob(f"*{OBJECT}") if not path.name.startswith("."))
    if not left:
        return 0
    entity = AE(ae_title=title)
    introduce(entity)
    entity.acse_timeout, entity.dimse_timeout, entity.network_timeout = 30, 60, 60
    entity.connection_timeout = 15
    for class_uid in sorted({str(dcmread(path, specific_tags=["SOPClassUID"]).SOPClassUID) for path in left}):
        entity.add_requested_context(class_uid, ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
    secure: dict[str, Any] = {} if security is None else {"tls_args": (security, peer.host)}
    association = entity.associate(peer.host, peer.port, ae_title=peer.title, **secure)
    if not association.is_established:
        rejected = association.is_rejected
        raise SendError(f"{peer} {'rejects the association' if rejected else 'cannot be reached'}")
    keep_answers(association)
    taken = 0
    try:
        for path in left:
            if is_stopped():
                break
            status = association.send_c_store(dcmread(path))
            code = status.get("Status") if status else None
            if code is None:
                raise SendError(f"{peer} went away")
            if code != 0 and code & 0xF000 != 0xB000:
                refused = code & 0xFF00 != 0xA700
                raise SendError(f"{peer} did not take an object (status 0x{code:04X})", refused)
            os.replace(path, path.with_suffix(SENT))
            flush_folder(folder)
            taken += 1
    except (ValueError, RuntimeError, AttributeError) as error:
        raise SendError(f"{peer} does not take these objects ({error})", refused=association.is_established) from error
    finally:
        if association.is_established:
            association.release()
    return taken
