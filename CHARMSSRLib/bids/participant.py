"""The participant level: every scan that is to be done is done once, whatever single scans or other processes do."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional, Protocol

from ..errors import BackendError, Cancelled, CHARMSSRError, OutputError, WorkerError
from ..files.lease_lock import BEAT_SECONDS, LEASE_SECONDS, LeaseLock
from ..settings import EnhancementSettings
from ..task import Task
from . import journal
from .file_names import Outputs
from .finished import Finished, State
from .one_scan import Enhancer, ScanWork
from .scans import Scan

# What a second try may mend; everything else that CHARMSSR refuses it would refuse again.
_PASSING = (OutputError, WorkerError, BackendError)


@dataclass(frozen=True)
class ScanTask:
    """A scan and where its results go."""

    scan: Scan
    outputs: Outputs


@dataclass(frozen=True)
class Orders:
    """How a run works.

    Attributes:
        dataset, output: folders. settings: of the enhancement. checkpoint_sha256: of its weights.
        redo: "no" (what changed is refused), "changed", or "all".
        retries: further tries of what failed. verify: compare the inputs' hashes even where size and time agree.
        pictures: keep what the quality pages show.
        lease, beat: seconds, of the locks.
    """

    dataset: Path
    output: Path
    settings: EnhancementSettings
    checkpoint_sha256: str
    redo: str = "no"
    retries: int = 1
    verify: bool = False
    pictures: bool = True
    lease: float = LEASE_SECONDS
    beat: float = BEAT_SECONDS


class Observer(Protocol):
    """Who is told about a run (the command line prints it)."""

    def progress(self, task: ScanTask, position: str, seconds_left: Optional[float]) -> Callable[[float, str], None]:
        """A scan begins; returns what takes its progress."""

    def ended(self, task: ScanTask, status: str, message: str) -> None:
        """A scan has ended."""

    def subject_done(self, subject: str) -> None:
        """No scan of a subject is left to this run."""


@dataclass
class Outcome:
    """What became of the scans: counts by status, and (path, message) of what was refused or failed."""

    counts: Counter = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def shard_of(tasks: list[ScanTask], part: int, parts: int) -> list[ScanTask]:
    """Every ``parts``-th subject from ``part`` (from 1) on: all scans of a subject stay together."""
    subjects = sorted({task.scan.subject for task in tasks})
    mine = set(subjects[part - 1 :: parts])
    return [task for task in tasks if task.scan.subject in mine]


def plan(
    tasks: list[ScanTask], orders: Orders, fresh: bool = False
) -> tuple[list[ScanTask], list[tuple[ScanTask, str]], int]:
    """Sort the scans by what there is already.

    Args:
        tasks: the scans, with the paths of their results.
        orders: what the run was asked to do.
        fresh: see Finished.state.

    Returns:
        (to do, changed with the reason, number of finished ones).
    """
    finished = _finished(orders)
    to_do, changed, done = [], [], 0
    for task in tasks:
        state, reason = finished.state(task.scan.path, task.outputs, fresh)
        if orders.redo == "all" or state is State.TO_DO or (state is State.CHANGED and orders.redo == "changed"):
            to_do.append(task)
        elif state is State.CHANGED:
            changed.append((task, reason))
        else:
            done += 1
    return to_do, changed, done


class ParticipantRun:
    """Works through the scans of one process.

    Args:
        orders: see Orders.
        enhancer: see Enhancer.
        observer: see Observer.
        is_cancelled: whether the user stopped the run.
        sleep: for tests.
        clock: likewise.
    """

    def __init__(
        self,
        orders: Orders,
        enhancer: Enhancer,
        observer: Observer,
        is_cancelled: Callable[[], bool],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._orders, self._enhancer, self._observer = orders, enhancer, observer
        self._is_cancelled, self._sleep, self._clock = is_cancelled, sleep, clock
        self._work = ScanWork(orders.dataset, orders.output, orders.settings, orders.pictures)
        self._finished = _finished(orders)
        self._outcome = Outcome()
        self._left: Counter = Counter()
        self._total = self._ended = self._worked = 0
        self._before: dict[str, Optional[int]] = {}

    def run(self, tasks: list[ScanTask]) -> Outcome:
        """Do the scans.

        Raises:
            Cancelled: the user stopped the run; the scan in work has left nothing.
        """
        to_do, changed, done = plan(tasks, self._orders)
        self._outcome.counts["finished earlier"] = done
        for task, reason in changed:
            self._refuse(task, f"The result is kept, but {reason}; use --redo changed, or another output folder.")
        self._left = Counter(task.outputs.subject for task in to_do)
        self._total, self._started = len(to_do), self._clock()
        if self._orders.redo == "all":
            self._before = {task.scan.path: self._sidecar_time(task) for task in to_do}
        waiting, failed = self._pass(to_do, retries_left=self._orders.retries)
        for left in reversed(range(self._orders.retries)):
            if not failed:
                break
            more, failed = self._pass(failed, retries_left=left)
            waiting += more
        self._wait(waiting)
        return self._outcome

    def _pass(self, tasks: list[ScanTask], retries_left: int):
        """Try each once; returns those that others hold, and those that failed and may be tried again."""
        waiting, again = [], []
        for task in tasks:
            lock = self._lock(task)
            result = self._try(task, lock, retries_left)
            if result == "busy":
                waiting.append((task, lock))
            elif result == "again":
                again.append(task)
        return waiting, again

    def _wait(self, waiting) -> None:
        """Scans that other processes hold: take them over from the dead, leave them to the living."""
        while waiting:
            rest = []
            for task, lock in waiting:
                result = self._try(task, lock, 0)
                if result == "busy" and lock.moved:
                    self._end(task, "left to another process", "another process is at work on it")
                elif result == "busy":
                    rest.append((task, lock))
            waiting = rest
            if waiting:
                self._sleep(min(self._orders.beat, 1.0))

    def _try(self, task: ScanTask, lock: LeaseLock, retries_left: int) -> str:
        """Do one scan if nobody else does; returns "ended", "busy" or "again"."""
        self._check()
        try:
            if not lock.acquire():
                return "busy"
            state, _ = self._finished.state(task.scan.path, task.outputs, fresh=True)
            if self._is_done_meanwhile(state, task):
                self._end(task, "finished by another process", "")
                return "ended"
            return self._do(task, lock, retries_left)
        except OSError as error:
            self._fail(task, f"{error.filename or self._orders.output}: {error.strerror or error}")
            return "ended"
        finally:
            lock.release()

    def _is_done_meanwhile(self, state: State, task: ScanTask) -> bool:
        if self._orders.redo == "all":
            return state is State.DONE and self._sidecar_time(task) != self._before.get(task.scan.path)
        return state is State.DONE

    def _sidecar_time(self, task: ScanTask) -> Optional[int]:
        try:
            return (self._orders.output / task.outputs.sidecar).stat().st_mtime_ns
        except OSError:
            return None

    def _do(self, task: ScanTask, lock: LeaseLock, retries_left: int) -> str:
        log = self._orders.output / task.outputs.log
        journal.note(log, journal.STARTED)
        position = f"{self._ended + 1}/{self._total}"
        told = Task(self._observer.progress(task, position, self._seconds_left()), self._is_cancelled)
        try:
            report = self._work.run(task.scan.path, task.outputs, self._enhancer, lock, told)
        except (Cancelled, KeyboardInterrupt):
            journal.note(log, journal.STOPPED)
            raise Cancelled() from None
        except Exception as error:  # one scan must not stop the others, whatever it does
            if self._is_cancelled():  # the worker gets the same signal, and may be gone before we look
                journal.note(log, journal.STOPPED)
                raise Cancelled() from None
            known = isinstance(error, CHARMSSRError)
            message = str(error) if known else f"unexpected {type(error).__name__}: {error}"
            message = " ".join(message.split())
            if known and not isinstance(error, _PASSING):
                journal.note(log, journal.REFUSED, message)
                self._refuse(task, message)
                return "ended"
            journal.note(log, journal.FAILED, message)
            if retries_left:
                self._observer.ended(task, "failed", f"{message.rstrip('.')}; it is tried again at the end.")
                return "again"
            self._fail(task, message)
            return "ended"
        journal.note(log, journal.DONE, f"in {report['seconds']} s")
        self._worked += 1
        self._end(task, "done", f"in {report['seconds']:.0f} s")
        return "ended"

    def _refuse(self, task: ScanTask, message: str) -> None:
        self._outcome.refused.append((task.scan.path, message))
        self._end(task, "refused", message)

    def _fail(self, task: ScanTask, message: str) -> None:
        self._outcome.failed.append((task.scan.path, message))
        self._end(task, "failed", message)

    def _end(self, task: ScanTask, status: str, message: str) -> None:
        self._outcome.counts[status] += 1
        self._observer.ended(task, status, message)
        subject = task.outputs.subject
        if self._left[subject]:
            self._ended += 1
            self._left[subject] -= 1
            if not self._left[subject]:
                self._observer.subject_done(subject)

    def _seconds_left(self) -> Optional[float]:
        if not self._worked:
            return None
        return (self._clock() - self._started) / self._ended * (self._total - self._ended)

    def _lock(self, task: ScanTask) -> LeaseLock:
        return LeaseLock(self._orders.output / task.outputs.lock, self._orders.lease, self._orders.beat)

    def _check(self) -> None:
        if self._is_cancelled():
            raise Cancelled()


def _finished(orders: Orders) -> Finished:
    return Finished(orders.dataset, orders.output, orders.settings, orders.checkpoint_sha256, orders.verify)


def describe(outcome: Outcome) -> dict[str, Any]:
    """Counts in the order in which people want to read them."""
    order = (
        "done", "finished earlier", "finished by another process", "left to another process", "refused", "failed",
    )  # fmt: skip
    return {name: outcome.counts[name] for name in order if outcome.counts[name]}
