"""CHARMSSR, the Slicer module: what Slicer needs to know to list it. The work is done in CHARMSSRModule."""

import os
import sys

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

# Installed, the folder of this file holds CHARMSSRModule and CHARMSSRLib, and Slicer has put it on the path.
# In a source tree CHARMSSRLib lies one folder higher, beside this module's folder.
_moduleFolder = os.path.dirname(os.path.abspath(__file__))
for _package, _folder in (("CHARMSSRModule", _moduleFolder), ("CHARMSSRLib", os.path.dirname(_moduleFolder))):
    if os.path.isdir(os.path.join(_folder, _package)) and _folder not in sys.path:
        sys.path.append(_folder)

# Slicer looks for these classes in this file. None of them imports torch, here or later.
from CHARMSSRModule.logic import CHARMSSRLogic  # noqa: E402, F401
from CHARMSSRModule.panel.widget import CHARMSSRWidget  # noqa: E402, F401
from CHARMSSRModule.scene.compare_views import registerLayout  # noqa: E402
from CHARMSSRModule.scene.sample_data import registerSampleData  # noqa: E402
from CHARMSSRModule.self_test import CHARMSSRTest  # noqa: E402, F401


class CHARMSSR(ScriptedLoadableModule):
    """Name, place and help of the module in Slicer."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CHARMSSR")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        self.parent.dependencies = []
        self.parent.contributors = ["The CHARMSSR developers"]
        self.parent.helpText = _("""
<p>Enhances the resolution of a brain MRI slice by slice with the CHARMS network, and reports what was added.
Choose a volume and press the button: the result appears as a new volume.</p>
<p>All computing happens on this computer, in a process of its own. Not for diagnosis.</p>
""")
        self.parent.acknowledgementText = _("""
The network follows the published CHARMS architecture (channel shuffle, pixel-channel attention and a
multi-scale refinement with a transformer). The training data are credited in each model's card.
""")
        slicer.app.connect("startupCompleted()", registerSampleData)
        slicer.app.connect("startupCompleted()", registerLayout)
