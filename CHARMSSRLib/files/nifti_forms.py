"""The two geometries of a NIfTI file, which of them a reader takes, and how a result keeps both.

A header holds a qform (a rotation, an offset, and the voxel size) and an sform (any affine matrix),
each with a code that says which space it leads to. Readers differ in which they prefer: ITK, and with
it Slicer and ANTs, takes the qform unless the sform's code is 1; nibabel, SPM, FSL and most viewers
take the sform. Where the two differ, a result lies on its input in every reader only if it states
both again.

Source: nifti1.h (methods 1 to 3 of the orientation).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .header_checks import deviation_from_rotation, nearest_rotation
from .nifti_quaternions import C_LIBRARY, NIBABEL, rotation_of

# Of the direction cosines: an sform beyond it is passed over by ITK where there is a qform.
ITK_TOLERANCE = 1e-4
_SCANNER_COORDINATES = 1
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SPACES = {1: "scanner", 2: "aligned", 3: "Talairach", 4: "MNI 152", 5: "other template"}


@dataclass(frozen=True)
class NiftiForms:
    """Both forms of a NIfTI header, RAS, in the header's own unit of length.

    Attributes:
        qform_code, sform_code: which space each leads to; 0 says that a form is not there.
        quaternion: (b, c, d) of the qform's rotation.
        qfac: -1.0 where the qform's third axis is turned round, else 1.0.
        offset: (x, y, z) of the qform, the first voxel's centre.
        spacing: voxel size of the qform, mm.
        sform: (3, 4) matrix, rows x, y, z, as a flat tuple of 12.
        unit: of all lengths above, in mm: 1 unless the header says metres (1000) or microns (0.001).
        doubles: whether the file holds them in double precision (NIfTI-2).
    """

    qform_code: int
    sform_code: int
    quaternion: tuple[float, ...]
    qfac: float
    offset: tuple[float, ...]
    spacing: tuple[float, ...]
    sform: tuple[float, ...]
    unit: float = 1.0
    doubles: bool = False

    def qform_matrix(self, smallest_square: float = C_LIBRARY) -> np.ndarray:
        """4x4 matrix of the qform, for a reader with this cut (``rotation_of``)."""
        matrix = np.eye(4)
        rotation = rotation_of(self.quaternion, smallest_square)
        rotation[:, 2] *= self.qfac
        matrix[:3, :3] = rotation * self.spacing
        matrix[:3, 3] = self.offset
        return matrix

    def _cuts(self):
        """Where readers cut off the rotation's first part."""
        return (0.0,) if self.doubles else (C_LIBRARY, NIBABEL)

    def sform_matrix(self) -> np.ndarray:
        """4x4 matrix of the sform."""
        return np.vstack([np.reshape(self.sform, (3, 4)), [0.0, 0.0, 0.0, 1.0]])

    def matrices(self) -> dict[str, np.ndarray]:
        """The 4x4 matrices of the forms that are there, by name ("sform", "qform")."""
        found = {}
        if self.sform_code > 0:
            found["sform"] = self.sform_matrix()
        if self.qform_code > 0:
            found["qform"] = self.qform_matrix()
        return found

    def followed_by_most(self, size: Sequence[int]) -> np.ndarray:
        """Where nibabel, SPM, FSL and FreeSurfer put a volume of this size: 4x4, RAS, mm.

        The sform where there is one, else the qform; where there is neither, from the patient's right to the
        left about the volume's middle, as nibabel and SPM do.
        """
        to_mm = np.diag([self.unit] * 3 + [1.0])
        if self.sform_code > 0:
            return to_mm @ self.sform_matrix()
        if self.qform_code > 0:
            return to_mm @ self.qform_matrix(self._cuts()[-1])
        matrix = np.diag([-1.0, 1.0, 1.0, 1.0]) @ np.diag([*self.spacing, 1.0])
        matrix[:3, 3] = -(matrix[:3, :3] @ (np.asarray(size) - 1) / 2)
        return to_mm @ matrix

    def itk_choice(self) -> str | None:
        """The form that ITK reads: "sform", "qform", or None where both codes are 0."""
        if self.qform_code <= 0:
            return "sform" if self.sform_code > 0 else None
        if self.sform_code == _SCANNER_COORDINATES:
            axes = self.sform_matrix()[:3, :3]
            rows = (axes / np.linalg.norm(axes, axis=0)).T
            if deviation_from_rotation(rows) <= ITK_TOLERANCE:
                return "sform"
        return "qform"

    def geometry(self, size: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Spacing, origin and direction in LPS as an image of this size takes them, and the error.

        The error is the largest distance (mm), over the volume, between the form that was taken and
        the nearest grid with axes at right angles: 0 but for slightly sheared sforms.
        """
        choice = self.itk_choice()
        spacing = np.asarray(self.spacing, float) * self.unit
        if choice is None:
            # Nothing is stated: axes along LPS from the first voxel, as ITK reads it.
            return spacing, np.zeros(3), np.eye(3), 0.0
        matrix = np.diag([self.unit] * 3 + [1.0]) @ LPS_TO_RAS @ self.matrices()[choice]
        if choice == "qform":
            direction = LPS_TO_RAS[:3, :3] @ rotation_of(self.quaternion) @ np.diag([1.0, 1.0, self.qfac])
            return spacing, matrix[:3, 3], direction, 0.0
        lengths = np.linalg.norm(matrix[:3, :3], axis=0)
        direction = nearest_rotation(matrix[:3, :3] / lengths)
        taken = np.eye(4)
        taken[:3, :3], taken[:3, 3] = direction * lengths, matrix[:3, 3]
        # ITK takes the voxel size beside the sform, not the lengths of its axes.
        return spacing, matrix[:3, 3], direction, _largest_distance(matrix, taken, size)

    def on_grid(self, from_new_index: np.ndarray) -> NiftiForms | None:
        """These forms for another grid along the same axes.

        Args:
            from_new_index: matrix of shape (4, 4) from the new grid's indices to this one's.

        Returns:
            NiftiForms, or None where the new grid is turned against this one.
        """
        factors = np.diag(from_new_index)[:3]
        if np.abs(from_new_index[:3, :3] - np.diag(factors)).max() > 1e-6 or (factors <= 0).any():
            return None
        clean = np.eye(4)
        clean[:3, :3], clean[:3, 3] = np.diag(factors), from_new_index[:3, 3]
        return replace(
            self,
            offset=tuple(np.mean([(self.qform_matrix(cut) @ clean)[:3, 3] for cut in self._cuts()], axis=0).tolist()),
            spacing=tuple((np.asarray(self.spacing) * factors).tolist()),
            sform=tuple((self.sform_matrix() @ clean)[:3].ravel().tolist()),
        )

    def distance(self, size: Sequence[int]) -> float:
        """How far (mm) the two forms put a corner of the box apart; 0 where only one is there."""
        found = list(self.matrices().values())
        return self.unit * _largest_distance(found[0], found[1], size) if len(found) == 2 else 0.0

    def difference(self, name: str, size: Sequence[int]) -> str:
        """A sentence on forms that differ by more than half a voxel; empty where they do not."""
        found = self.matrices()
        if len(found) < 2:
            return ""
        distance = self.distance(size)
        if distance <= 0.5 * self.unit * min(self.spacing):
            return ""
        mirrored = np.linalg.det(found["sform"][:3, :3]) * np.linalg.det(found["qform"][:3, :3]) < 0
        kind = "One is the mirror image of the other, so left and right may be exchanged. " if mirrored else ""
        return (
            f"The sform (code {self.sform_code}, {space(self.sform_code)}) and the qform (code {self.qform_code}, "
            f"{space(self.qform_code)}) of {name} put it up to {distance:.3g} mm apart. {kind}A NIfTI result states "
            f"both again, so that it lies on the scan in every program; here the {self.itk_choice()} was taken."
        )


def space(code: int) -> str:
    """What a code stands for, in words."""
    return SPACES.get(code, "unknown space")


def corners(size: Sequence[int]) -> np.ndarray:
    """(4, 8): the corners of the box, voxel edges, as homogeneous indices."""
    return np.array([[*corner, 1.0] for corner in itertools.product(*((-0.5, count - 0.5) for count in size))]).T


def _largest_distance(first, second, size) -> float:
    return float(np.linalg.norm(((first - second) @ corners(size))[:3], axis=0).max())
