"""What a user gives for fine-tuning: a 3T/7T pair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...whole_library import part_of_the_whole_library


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scans of one head in one contrast.

    Images carry all of their geometry in their headers: whoever takes them from a scene hardens
    parent transforms first.

    Attributes:
        subject: label of the head; pairs of one subject are held out together.
        contrast: "T1w", "T2w" or any other label.
        image_3t, image_7t: SimpleITK.Image (scalar, 3-D) or path of a file or DICOM folder.
        mask_3t: brain mask that was drawn on the 3T scan (image or path), or None to skull-strip.
    """

    subject: str
    contrast: str
    image_3t: Any
    image_7t: Any
    mask_3t: Any | None = None

    @property
    def name(self) -> str:
        """How messages call the pair."""
        return " ".join(part for part in (self.subject, self.contrast) if part) or "unnamed pair"

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names of the 3T's and the 7T's file; "" for what is no file."""
        return tuple(Path(one).name if isinstance(one, (str, Path)) else "" for one in (self.image_3t, self.image_7t))

    def load(self) -> tuple:
        """The pair's images, read where they are paths.

        Returns:
            (image_3t, image_7t, mask_3t): SimpleITK images; the mask may be None.

        Raises:
            InputError: a file cannot be read.
        """
        given = (self.image_3t, self.image_7t, self.mask_3t)
        if any(isinstance(one, (str, Path)) for one in given):
            files = part_of_the_whole_library("fine_tuning.pairs.pair_files", "Reading scans from files")
            return files.load_pair(*given)
        return given
