"""What the user chose, kept in the scene."""

import enum
from typing import Union

from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import GuiConnector, parameterNodeWrapper


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
    planes - Slices that are enhanced.
    biasCorrection - Correct the bias field first.
    restoreBias - Multiply the corrected field back.
    skullStrip - "auto", "none" or the name of a backend.
    keepSkull - Enhance and keep the whole head.
    dataConsistency - What is done about the distance between result and scan.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLScalarVolumeNode
    maskNode: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]
    resultVolume: vtkMRMLScalarVolumeNode
    checkpoint: str
    planes: Planes = Planes.ACQUISITION
    biasCorrection: bool = True
    restoreBias: bool = False
    skullStrip: str = "auto"
    keepSkull: bool = False
    dataConsistency: DataConsistency = DataConsistency.REPORT


class ItemDataConnector(GuiConnector):
    """Binds a list whose items are known at run time only (models, backends) to a text, by the items' data.

    Slicer's own connector wants all choices when the class is written, and fails on a scene that names another.
    """

    def __init__(self, comboBox, missingText):
        super().__init__()
        self._comboBox = comboBox
        self._missingText = missingText

    @staticmethod
    def canRepresent(widget, datatype):
        """Made by hand only."""
        return False

    @staticmethod
    def create(widget, datatype):
        """Made by hand only."""
        return None

    def _connect(self):
        self._comboBox.connect("currentIndexChanged(int)", self._onIndexChanged)

    def _disconnect(self):
        self._comboBox.disconnect("currentIndexChanged(int)", self._onIndexChanged)

    def _onIndexChanged(self, index):
        self.changed()

    def widget(self):
        """The list."""
        return self._comboBox

    def read(self):
        """Data of the chosen item."""
        return self._comboBox.itemData(self._comboBox.currentIndex) or ""

    def write(self, value):
        """Choose the item with this data, adding it if this computer doesn't have it; "" leaves the default."""
        if value:
            selectItem(self._comboBox, value, self._missingText)


def selectItem(comboBox, value, missingText):
    """Choose the item whose data is ``value``; one that isn't there is added and marked by ``missingText``."""
    for index in range(comboBox.count):
        if comboBox.itemData(index) == value:
            comboBox.setCurrentIndex(index)
            return
    comboBox.addItem(missingText.format(name=value), value)
    comboBox.setCurrentIndex(comboBox.count - 1)
