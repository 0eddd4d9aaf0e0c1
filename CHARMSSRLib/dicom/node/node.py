"""The node: a loop that moves series from what was received to what was sent, and survives being killed."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import CHARMSSRError, OutputError
from ...settings import NodeSettings
from ..needs import need
from ..uids import is_uid
from .audit import Audit
from .durable import move, read_json, write_json
from .receiver import Receiver
from .rules import DEFAULT_RULES, ENHANCE, Decision, Rule, decide
from .sender import Peer, SendError, send
from .spool import OBJECT, SENT, Bounds, Spool, names_in
from .tls import client_security, server_security

_TICK = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 600.0
_MOST_CRASHES, _MOST_REFUSALS = 3, 5
# A series whose transfer broke off (or that a restart found) may be completed later than a quiet one.
_AFTER_AN_INTERRUPTION = 6
INCOMPLETE, FAILED = "incomplete", "failed"

# Enhances one series: (source folder, new folder for the result, settings) -> report. Raises CHARMSSRError for a
# series that cannot be enhanced, anything else for an accident.
Enhance = Callable[[Path, Path, "dict[str, Any]", Callable[[], bool]], "dict[str, Any]"]


class Stopped(Exception):
    """The node is to stop; the work is left as it is."""


@dataclass
class _Retry:
    """When something is tried again, and how often it failed."""

    failures: int = 0
    at: float = 0.0

    def failed(self) -> float:
        pause = min(_FIRST_PAUSE * 2**self.failures, _LONGEST_PAUSE)
        self.failures += 1
        self.at = time.monotonic() + pause
        return pause


class Node:
    """See the package's text.

    Args:
        settings: of the node.
        rules: what is enhanced.
        enhance: does it.
    """

    def __init__(self, settings: NodeSettings, rules: tuple[Rule, ...] | None, enhance: Enhance):
        need("pynetdicom")
        self._settings, self._enhance = settings, enhance
        self._rules = DEFAULT_RULES if rules is None else rules
        self._peer = Peer.parse(settings.forward)
        tls = (settings.tls_certificate, settings.tls_key, settings.tls_authority)
        self._server_security, self._client_security = server_security(*tls), client_security(*tls)
        self.folder = Path(settings.inbox)
        self._make_folder()
        self._lock_file = _lock(self.folder / "node.lock")
        self._audit = Audit(self.folder / "audit.jsonl")
        bounds = Bounds(int(settings.most_gigabytes * 2**30), settings.most_series)
        self.spool = Spool(self.folder, bounds)
        callers = [one.strip() for one in settings.callers.split(",") if one.strip()]
        self._receiver = Receiver(self.spool, self._audit, settings.aet, callers, settings.connections)
        self._receiver.interrupted |= set(self.spool.last_object)
        self._stop = threading.Event()
        self._retries: dict[str, _Retry] = {}
        self.port = 0

    def run(self, is_stopped: Callable[[], bool], started: Callable[[int], None] = lambda port: None) -> None:
        """Serve until ``is_stopped()``.

        Args:
            is_stopped: asked several times a second.
            started: called with the port once objects are taken.

        Raises:
            OutputError: the address cannot be listened on.
        """
        try:
            self.port = self._receiver.start(self._settings.bind, self._settings.port, self._server_security)
        except OSError as error:
            self._lock_file.close()
            raise OutputError(
                f"The address {self._settings.bind}:{self._settings.port} cannot be listened on "
                f"({error.strerror or error}); choose another --port or end what uses it."
            ) from error
        self._audit("started", port=self.port, title=self._settings.aet, forward=str(self._peer))
        started(self.port)
        threads = [threading.Thread(target=self._repeat, args=(one,)) for one in (self._enhance_next, self._send_next)]
        for thread in threads:
            thread.start()
        try:
            while not is_stopped():
                self._decide_quiet()
                time.sleep(_TICK)
        finally:
            self._stop.set()
            self._receiver.stop()
            for thread in threads:
                thread.join()
            self._audit("stopped")
            self._lock_file.close()

    def _make_folder(self):
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The inbox {self.folder} cannot be created: {error.strerror or error}. Choose another (--inbox)."
            ) from error

    def _repeat(self, step):
        """Run a step until the node stops; an accident in it is noted and does not end the node."""
        while not self._stop.is_set():
            try:
                busy = step()
            except Stopped:
                return
            except Exception as error:
                self._audit("accident", where=step.__name__, reason=f"{type(error).__name__}: {error}")
                busy = False
                self._stop.wait(_FIRST_PAUSE)
            if not busy:
                self._stop.wait(_TICK)

    # What was received is decided upon

    def _decide_quiet(self):
        quiet = self._settings.quiet_time
        waits = {"": quiet, **dict.fromkeys(self._receiver.interrupted, quiet * _AFTER_AN_INTERRUPTION)}
        for series in self.spool.quiet(waits):
            try:
                self._decide(series)
            except Exception as error:  # whatever was sent, the node goes on
                self.spool.hold(series, _reason(FAILED, f"cannot be read ({type(error).__name__}: {error})"))
                self._audit("held", series=series, reason="cannot be read")
        if self._settings.hold_days > 0:
            for series in self.spool.remove_held(self._settings.hold_days * 86400):
                self._audit("removed", series=series, reason="held for longer than --hold-days")

    def _decide(self, series):
        from pydicom import dcmread

        if series in names_in(self.spool.jobs):
            self._decide_late(series)
            return
        held = read_json(self.spool.held / series / "reason.json")
        if held is not None and held.get("kind") in (INCOMPLETE, FAILED):
            self.spool.take_back(series)  # together with what came now it may be whole
            return
        paths = self.spool.objects(self.spool.receiving / series)
        images = {path.stem for path in paths}
        done = read_json(self.spool.done / f"{series}.json")
        if done is not None and images <= set(done["images"]):
            self.spool.drop_received(series)
            self._audit("dropped", series=series, images=len(images), reason="sent again after it was finished")
            return
        headers = [dcmread(path, stop_before_pixels=True, defer_size=1024) for path in paths]
        decision = decide(headers, self._rules)
        if done is not None and decision.action == ENHANCE and not set(done["images"]) <= images:
            decision = Decision("hold", "incomplete: the rest of the series was finished before; send all of it again")
        if decision.action != ENHANCE:
            kind = INCOMPLETE if decision.reason.startswith((INCOMPLETE, "only ")) else "held"
            self.spool.hold(series, _reason(kind, decision.reason))
            self._audit("held", series=series, images=len(images), reason=decision.reason)
            return
        if self.spool.start(series, {"settings": decision.settings, "reason": decision.reason}):
            self._audit("queued", series=series, images=len(images), reason=decision.reason)

    def _decide_late(self, series):
        """Images of a series that is under way."""
        source = self.spool.jobs / series / "source"
        known = {path.name for path in self.spool.objects(source)}
        late = [path.name for path in self.spool.objects(self.spool.receiving / series)]
        if set(late) <= known:
            self.spool.drop_received(series)
            self._audit("dropped", series=series, images=len(late), reason="sent again while it is under way")
        # Others wait where they are until the job is over, and are decided upon then.

    # What is queued is enhanced

    def _enhance_next(self) -> bool:
        for series in names_in(self.spool.jobs):
            job = self.spool.jobs / series
            if (job / "result").is_dir() or not (job / "job.json").is_file() or not self._due(series):
                continue
            self._enhance_one(series, job)
            return True
        return False

    def _enhance_one(self, series, job):
        order = read_json(job / "job.json")
        attempt = job / f"attempt-{secrets.token_hex(4)}"
        attempt.mkdir()
        started = time.monotonic()
        try:
            report = self._enhance(job / "source", attempt / "series", order["settings"], self._stop.is_set)
        except Stopped:
            shutil.rmtree(attempt, ignore_errors=True)
            raise
        except CHARMSSRError as error:
            self.spool.hold(series, _reason(FAILED, str(error)), job / "source")
            self._audit("held", series=series, reason=str(error))
            return
        except Exception as error:
            shutil.rmtree(attempt, ignore_errors=True)
            retry = self._retries.setdefault(series, _Retry())
            pause = retry.failed()
            self._audit("failed", series=series, reason=str(error), again_in_seconds=pause)
            if retry.failures >= _MOST_CRASHES:
                self._retries.pop(series)
                self.spool.hold(series, _reason(FAILED, f"failed {_MOST_CRASHES} times: {error}"), job / "source")
                self._audit("held", series=series, reason="failed too often")
            return
        for path in (attempt / "series").glob(f"*{OBJECT}"):
            uid = _uid_of(path)
            path.rename(path.with_name(f"{uid}{OBJECT}"))
        write_json(job / "report.json", report)
        move(attempt / "series", job / "result")
        attempt.rmdir()
        self._retries.pop(series, None)
        count = len(self.spool.objects(job / "result"))
        self._audit("enhanced", series=series, images=count, seconds=round(time.monotonic() - started, 1))

    # What is enhanced is sent

    def _send_next(self) -> bool:
        for series in names_in(self.spool.jobs):
            job = self.spool.jobs / series
            if not (job / "result").is_dir() or not (job / "job.json").is_file() or not self._due(f"send {series}"):
                continue
            self._send_one(series, job)
            return True
        return False

    def _send_one(self, series, job):
        retry = self._retries.setdefault(f"send {series}", _Retry())
        try:
            send(job / "result", self._peer, self._settings.aet, self._stop.is_set, self._client_security)
        except SendError as error:
            pause = retry.failed()
            self._audit("not sent", series=series, reason=str(error), again_in_seconds=pause)
            if error.refused and retry.failures >= _MOST_REFUSALS:
                self._retries.pop(f"send {series}")
                self.spool.hold(series, _reason("refused", str(error)), job / "source")
                self._audit("held", series=series, reason=str(error))
            return
        if self.spool.objects(job / "result"):
            raise Stopped
        results = sorted(path.stem for path in (job / "result").glob(f"*{SENT}"))
        images = [path.stem for path in self.spool.objects(job / "source")]
        made = (read_json(job / "report.json") or {}).get("dicom", {}).get("series_instance_uid", "")
        self.spool.finish(series, {"images": images, "results": results, "result_series": made, "time": time.time()})
        self._retries.pop(f"send {series}", None)
        self._audit("sent", series=series, result_series=made, images=len(results), to=str(self._peer))

    def _due(self, name):
        retry = self._retries.get(name)
        return retry is None or time.monotonic() >= retry.at


def status_of(folder: Path) -> dict[str, Any]:
    """What a node's inbox holds, told from its folders: whether it runs, series by state, reasons of what is held.

    Raises:
        OutputError: no node was ever run with this inbox.
    """
    if not (folder / "jobs").is_dir():
        raise OutputError(f"{folder} is no inbox of a node; give the folder that --inbox named.")
    jobs = names_in(folder / "jobs")
    sending = [one for one in jobs if (folder / "jobs" / one / "result").is_dir()]
    held = {one: read_json(folder / "held" / one / "reason.json") or {} for one in names_in(folder / "held")}
    return {
        "running": _is_locked(folder / "node.lock"),
        "receiving": {one: _count(folder / "receiving" / one) for one in names_in(folder / "receiving")},
        "queued": [one for one in jobs if one not in sending],
        "sending": {one: _count(folder / "jobs" / one / "result") for one in sending},
        "held": {series: reason.get("reason", "") for series, reason in held.items()},
        "finished": sum(is_uid(path.stem) for path in (folder / "done").glob("*.json")),
    }


def _count(folder):
    return sum(1 for _ in folder.glob(f"*{OBJECT}"))


def _reason(kind, text):
    return {"kind": kind, "reason": text, "time": time.time()}


def _uid_of(path):
    from pydicom import dcmread

    return str(dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)


def _lock(path):
    """Hold a file for this process alone.

    Raises:
        OutputError: another node holds it.
    """
    stream = open(path, "a+")  # noqa: SIM115 (held until the node ends)
    try:
        _lock_stream(stream)
    except OSError:
        stream.close()
        raise OutputError(f"Another node works in {path.parent}; end it, or choose another --inbox.") from None
    stream.seek(0)
    stream.truncate()
    stream.write(str(os.getpid()))
    stream.flush()
    return stream


def _is_locked(path):
    with contextlib.suppress(FileNotFoundError), open(path, "r+") as stream:
        try:
            _lock_stream(stream)
        except OSError:
            return True
    return False


def _lock_stream(stream):
    if os.name == "nt":
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
