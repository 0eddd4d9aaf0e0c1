"""What reading a file gives: the image, and what else the file said that a result should keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from .itk_geometry import index_to_lps, with_the_same_choice
from .nifti_forms import NiftiForms


@dataclass
class Scan:
    """A volume as it was read.

    Attributes:
        image: scalar 3-D image in the file's own pixel type, geometry in LPS (mm), without the file's metadata.
        warnings: sentences about what was repaired, chosen or doubtful.
        forms: both geometries of a NIfTI or FreeSurfer file, so that a result can state them again; None else.
        facts: figures for the report, by name (JSON can hold them).
        slices: of a DICOM series, for each slice of the image its file, and the frame in it (from 0; None in a
            classic file).
        names: of a DICOM series, its title and the parts of its image type.
    """

    image: sitk.Image
    warnings: list[str] = field(default_factory=list)
    forms: NiftiForms | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    slices: tuple[tuple[Path, int | None], ...] = ()
    names: tuple[str, ...] = ()

    def forms_for(self, result: sitk.Image) -> NiftiForms | None:
        """The forms of a result that was made on a grid aligned with this scan's; None where there are none."""
        if self.forms is None:
            return None
        # From the result's voxel indices to this scan's: the same for either form.
        forms = self.forms.on_grid(np.linalg.solve(index_to_lps(self.image), index_to_lps(result)))
        return None if forms is None else with_the_same_choice(forms, result)
