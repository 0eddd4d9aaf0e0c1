"""The node: a loop that moves series from what was received to what was sent, and survives being killed."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import CHARMSSRError, OutputError, SettingsError
from ...settings import AE_TITLE, NodeSettings
from ..needs import need
from .audit import Audit
from .durable import move, read_json, write_json
from .inbox import lock_inbox, make_inbox
from .privacy import OF_THE_MACHINE, kind_of, without_patient
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
# series that cannot be enhanced (of the kinds OF_THE_MACHINE, where the series is not to blame), anything else for an
# accident.
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

    def __init__(self, settings: NodeSettings, rules: tuple[Rule, ...] | None, enhance: Enhance) -> None:
        need("pynetdicom")
        self._settings, self._enhance = settings, enhance
        self._rules = DEFAULT_RULES if rules is None else rules
        self._peer, callers = Peer.parse(settings.forward), _titles(settings.callers)
        tls = (settings.tls_certificate, settings.tls_key, settings.tls_authority)
        self._server_security, self._client_security = server_security(*tls), client_security(*tls)
        self.folder = Path(settings.inbox)
        make_inbox(self.folder)
        self._lock_file = lock_inbox(self.folder)
        self._audit = Audit(self.folder / "audit.jsonl")
        bounds = Bounds(int(settings.most_gigabytes * 2**30), settings.most_series)
        self.spool = Spool(self.folder, bounds)
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
                self._try(self._decide_quiet, is_stopped)
                time.sleep(_TICK)
        finally:
            self._stop.set()
            self._receiver.stop()
            for thread in threads:
                thread.join()
            self._audit("stopped")
            self._lock_file.close()

    def _repeat(self, step):
        """Run a step until the node stops."""
        while not self._stop.is_set():
            try:
                busy = self._try(step, self._stop.is_set)
            except Stopped:
                return
            if not busy:
                self._stop.wait(_TICK)

    def _try(self, step, is_stopped):
        """Run a step; an accident in it (the disk is full) is noted, and does not end the node."""
        try:
            return step()
        except Stopped:
            raise
        except Exception as error:
            self._audit("accident", where=step.__name__.strip("_"), reason=kind_of(error))
            end = time.monotonic() + _FIRST_PAUSE
            while time.monotonic() < end and not is_stopped():
                time.sleep(min(_TICK, _FIRST_PAUSE))
            return False

    # What was received is decided upon

    def _decide_quiet(self):
        quiet = self._settings.quiet_time
        waits = {"": quiet, **dict.fromkeys(self._receiver.interrupted, quiet * _AFTER_AN_INTERRUPTION)}
        trouble = None
        for series in self.spool.quiet(waits):
            try:
                self._decide(series)
            except OSError as error:  # not for what was sent: it waits until there is room, and the others go on
                trouble = error
            except Exception as error:  # whatever was sent, the node goes on
                self.spool.hold(series, _reason(FAILED, f"cannot be read ({kind_of(error)})"))
                self._audit("held", series=series, reason="cannot be read")
        if self._settings.hold_days > 0:
            for series in self.spool.remove_held(self._settings.hold_days * 86400):
                self._audit("removed", series=series, reason="held for longer than --hold-days")
        if trouble is not None:
            raise trouble

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
        except Exception as error:
            shutil.rmtree(attempt, ignore_errors=True)
            self._cannot(series, job, error)
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

    def _cannot(self, series, job, error):
        """A series could not be enhanced: for what it is, for the machine's sake, or by an accident."""
        if isinstance(error, CHARMSSRError) and not isinstance(error, OF_THE_MACHINE):
            reason = without_patient(str(error), self.spool.objects(job / "source"))
            self.spool.hold(series, _reason(FAILED, reason), job / "source")
            self._audit("held", series=series, reason=reason)
            return
        retry = self._retries.setdefault(series, _Retry())
        pause = retry.failed()
        of_the_machine = isinstance(error, OF_THE_MACHINE)
        self._audit("failed", series=series, reason=kind_of(error), again_in_seconds=pause)
        if not of_the_machine and retry.failures >= _MOST_CRASHES:
            self._retries.pop(series)
            self.spool.hold(series, _reason(FAILED, f"failed {_MOST_CRASHES} times: {kind_of(error)}"), job / "source")
            self._audit("held", series=series, reason="failed too often")

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


def _titles(text):
    titles = [one.strip() for one in text.split(",") if one.strip()]
    for one in titles:
        if re.fullmatch(AE_TITLE, one) is None:
            raise SettingsError(
                f"--callers names {one!r}, which is no application entity title: up to 16 letters, digits, dots, "
                "dashes and underscores."
            )
    return titles


def _reason(kind, text):
    return {"kind": kind, "reason": text, "time": time.time()}


def _uid_of(path):
    from pydicom import dcmread

    return str(dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
