"""The pairs that a fine-tuning was given: which can be used, as slices, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import InputError, OutputError, PairError, SettingsError
from ..files.output_files import plain
from ..settings import FineTuningSettings
from ..task import Task
from .pairs.pair import Pair
from .pairs.registration import register_pair
from .slices import ABOUT, PairSlices, write_slices
from .work_folder import identity_of


class GivenPairs:
    """The pairs of a fine-tuning.

    Args:
        given: as the user gave them.
        observe: called with an event for each, see ``fine_tune``.

    Attributes:
        reports: a dict for each pair that was looked at, for the report's key "pairs".
        registrations: (label, picture as PNG) of each pair that can be used.
        warnings: sentences for the user.
    """

    def __init__(self, given: Sequence[Pair], observe: Callable[[dict], None]) -> None:
        self.given, self._observe = list(given), observe
        self.reports: list[dict] = []
        self.registrations: list[tuple[str, bytes]] = []
        self.warnings: list[str] = []
        self._opened: list[PairSlices] = []

    def check(self, settings: FineTuningSettings) -> None:
        """Refuse pairs from which nothing can be learned, before any work.

        Raises:
            PairError: there is none.
            SettingsError: too few for leave-one-out.
        """
        if not self.given:
            raise PairError("There is no pair to learn from: give at least one 3T and one 7T scan of the same head.")
        if settings.leave_one_out and len({pair.subject for pair in self.given}) < 2:
            raise SettingsError("Leave-one-out needs pairs of at least two subjects: add pairs, or leave it out.")

    def register(self, settings: FineTuningSettings, card: dict, work: Path, task: Task) -> list[PairSlices]:
        """The slices of every pair that can be used; the others are reported.

        Args:
            settings: of the fine-tuning.
            card: of the checkpoint that it starts from.
            work: folder of the slices; those of a run that was killed are used again.
            task: of all pairs together.

        Raises:
            PairError: none can be used; the message gives the reason.
            OutputError: the folder cannot be written.
        """
        pairs: list[PairSlices] = []
        known: set[str] = set()
        for index, pair in enumerate(self.given):
            task.check()
            report = {"subject": pair.subject, "contrast": pair.contrast, "quality": {}, "slices": 0, "role": "refused"}
            try:
                slices = _slices_of(pair, settings, card, work, known, task.share(index, len(self.given)))
            except (PairError, InputError) as error:
                report.update(status="refused", reason=str(error))
                self.warnings.append(f"A pair was left out. {error}")
            else:
                pairs.append(slices)
                self.registrations.append((slices.label, slices.picture.read_bytes()))
                self._opened.append(slices)
                warnings = slices.about["warnings"]
                report.update(
                    status="warned" if warnings else "ok", reason=" ".join(warnings), role="training",
                    quality=slices.about["quality"], slices=len(slices.usable), dropped=slices.about["dropped"],
                )  # fmt: skip
                self.warnings += [f"{slices.label}: {warning}" for warning in warnings]
            self.reports.append(report)
            event = {key: report[key] for key in ("subject", "contrast", "status", "reason", "quality")}
            self._observe({"event": "pair", "index": index, **plain(event)})
        if not pairs:
            reason = self.reports[0]["reason"]
            count = len(self.given)
            raise PairError(reason if count == 1 else f"None of the {count} pairs can be used. The first: {reason}")
        return pairs

    def close(self) -> None:
        """Let go of the files of the slices."""
        for pair in self._opened:
            pair.close()


def _slices_of(pair, settings, card, work, known, task):
    """A pair's slices: registered now, or by a run that was killed."""
    try:
        identity = identity_of(pair, settings, card)
    except OSError as error:
        raise PairError(f"{pair.name}: a scan cannot be read ({error.strerror}); check the list.") from error
    if identity in known:
        raise PairError(f"{pair.name}: this pair is given twice; give each pair once.")
    known.add(identity)
    folder = work / "pairs" / identity
    if (folder / ABOUT).exists():
        return PairSlices(folder)
    registered = register_pair(pair, settings, task)
    try:
        return write_slices(registered, card, folder)
    except OSError as error:
        raise OutputError(
            f"The slices of a pair cannot be written to {folder.parent}: {error.strerror or error}. Free some space"
            " or choose another folder."
        ) from error
