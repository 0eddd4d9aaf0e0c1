"""Lists whose items are known at run time only: models, backends, devices."""

from slicer.parameterNodeWrapper import GuiConnector


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
