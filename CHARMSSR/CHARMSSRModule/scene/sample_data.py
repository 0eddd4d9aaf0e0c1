"""A scan to try the module with, in Slicer's Sample Data module."""

import slicer
from slicer.i18n import tr as _

CATEGORY = "CHARMSSR"
# Slicer's own MRHead: T1w, 256 x 256 x 130 voxels, donated by the person in the image for use without restrictions.
SAMPLE_NAME = "CHARMSSR T1w head"
FILE_NAME = "MR-head.nrrd"
NODE_NAME = "MRHead"  # the Sample Data module has a picture under this name
SHA256 = "cc211f0dfd9a05ca3841ce1141b292898b2dd2d3f08286affadf823a7e58df93"
URI = "https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/" + SHA256


def registerSampleData():
    """Add the sample, once; called when Slicer has started."""
    try:
        import SampleData
    except ImportError:  # a Slicer built or started without that module
        return
    known = getattr(slicer.modules, "sampleDataSources", {}).get(CATEGORY, [])
    if any(source.sampleName == SAMPLE_NAME for source in known):
        return
    logic = SampleData.SampleDataLogic
    if hasattr(logic, "registerCustomSampleDataCategory"):  # newer than Slicer 5.8
        logic.registerCustomSampleDataCategory(CATEGORY, title=_("CHARMSSR"))
    logic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=SAMPLE_NAME,
        uris=[URI],
        fileNames=[FILE_NAME],
        checksums=["SHA256:" + SHA256],
        nodeNames=[NODE_NAME],
    )
