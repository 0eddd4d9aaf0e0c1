"""What the user chose, kept in the scene.

Imported when the first parameter node is asked for: Slicer runs the modules' files in alphabetical order, and its
segmentation classes may come later than CHARMSSR.
"""

import enum
from typing import Annotated, Union

from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Decimals, SingleStep, WithinRange, parameterNodeWrapper


class Planes(enum.Enum):
    """Slices that are enhanced: the value is the library's word."""

    ACQUISITION = "acquisition"
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    THREE = "three"

    def label(self):
        """Text in the list."""
        return {
            "acquisition": _("As acquired"),
            "axial": _("Axial slices"),
            "coronal": _("Coronal slices"),
            "sagittal": _("Sagittal slices"),
            "three": _("All three, fused"),
        }[self.value]


class Resolution(enum.Enum):
    """Pixels that a scan is enhanced from: the value is the library's word."""

    MEASURED = "auto"
    STATED = "stated"

    def label(self):
        """Text in the list."""
        return {"auto": _("As measured"), "stated": _("As the file states")}[self.value]


class DataConsistency(enum.Enum):
    """What is done about the distance between result and scan: the value is the library's word."""

    REPORT = "report"
    PROJECT = "project"
    NONE = "none"

    def label(self):
        """Text in the list."""
        return {
            "report": _("Measure and report"),
            "project": _("Correct the result"),
            "none": _("Do not measure"),
        }[self.value]


@parameterNodeWrapper
class CHARMSSRParameterNode:
    """Parameters of the module.

    inputVolume - The scan.
    outputVolume - Node that is overwritten; none for a new one.
    maskNode - Segmentation or label map that replaces the computed mask.
    resultVolume - The last result, which the result section shows.
    checkpoint - Name of the model; empty for the default.
    noise - Percent of the noise that is taken away; -1 for as much as the scan needs.
    bestQuality - The mean over mirrored and turned copies of each slice.
    planes - Slices that are enhanced.
    resolution - Pixels that they are enhanced from.
    biasCorrection - Correct the bias field first.
    restoreBias - Multiply the corrected field back.
    skullStrip - "auto", "none" or the name of a backend.
    keepSkull - Enhance and keep the whole head.
    dataConsistency - What is done about the distance between result and scan.
    maps - Make maps of what was added and how sure it is.
    mapName - The map that the result section shows; empty for the first.
    mapOpacity - How opaque a map is over the result.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLScalarVolumeNode
    maskNode: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]
    resultVolume: vtkMRMLScalarVolumeNode
    checkpoint: str
    noise: Annotated[int, WithinRange(-1, 100)] = -1
    bestQuality: bool = False
    planes: Planes = Planes.ACQUISITION
    resolution: Resolution = Resolution.MEASURED
    biasCorrection: bool = True
    restoreBias: bool = False
    skullStrip: str = "auto"
    keepSkull: bool = False
    dataConsistency: DataConsistency = DataConsistency.REPORT
    maps: bool = False
    mapName: str
    mapOpacity: Annotated[float, WithinRange(0, 1), Decimals(2), SingleStep(0.05)] = 0.7
