"""Stand-in of the module SampleData: registrations are kept, downloads never happen."""

import dataclasses
import os
import types
from typing import Any, Optional

import slicer


@dataclasses.dataclass
class SampleDataSource:
    """A registered data set, with the fields that SampleData has."""

    sampleName: Optional[str] = None
    sampleDescription: Optional[str] = None
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    checksums: Any = None
    loadFiles: Any = None
    customDownloader: Any = None
    thumbnailFileName: Optional[str] = None
    loadFileType: Any = "VolumeFile"
    loadFileProperties: dict = dataclasses.field(default_factory=dict)


class SampleDataLogic:
    """Finds registered data sets by name and "downloads" them from files that a test has named."""

    localFiles = {}

    @staticmethod
    def registerCustomSampleDataSource(
        category="Custom",
        sampleName=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileType="VolumeFile",
        loadFiles=None,
        loadFileProperties=None,
        checksums=None,
    ):
        """Registers a data set under a category, as SampleData does it.

        Raises:
            ValueError: lists of unequal length, or a picture that isn't there.
        """
        lists = [each for each in (uris, fileNames, nodeNames, checksums) if isinstance(each, (list, tuple))]
        if len({len(each) for each in lists}) > 1:
            raise ValueError(f"Sample {sampleName}: uris, fileNames, nodeNames and checksums differ in length.")
        if thumbnailFileName and not os.path.isfile(thumbnailFileName):
            raise ValueError(f"Sample {sampleName}: no thumbnail {thumbnailFileName}.")
        source = SampleDataSource(
            sampleName,
            sampleName,
            uris,
            fileNames,
            nodeNames,
            checksums,
            loadFiles,
            customDownloader,
            thumbnailFileName,
            loadFileType,
            loadFileProperties or {},
        )
        slicer.modules.sampleDataSources.setdefault(category, []).append(source)

    def sourceForSampleName(self, sampleName):
        for sources in slicer.modules.sampleDataSources.values():
            for source in sources:
                if source.sampleName == sampleName:
                    return source
        return None

    def downloadSample(self, sampleName):
        return self.downloadSamples(sampleName)[0]

    def downloadSamples(self, sampleName):
        if sampleName not in self.localFiles:
            raise ValueError(f"Failed to download the sample {sampleName}: there is no network here.")
        path = self.localFiles[sampleName]
        source = self.sourceForSampleName(sampleName)
        names = source.nodeNames if source is not None else sampleName
        name = names[0] if isinstance(names, (list, tuple)) else names
        return [slicer.util.loadVolume(path, {"name": name or sampleName})]


def make():
    """A new module object for ``import SampleData``."""
    module = types.ModuleType("SampleData", "Stand-in of the module SampleData.")
    module.SampleDataLogic = SampleDataLogic
    module.SampleDataSource = SampleDataSource
    module.downloadSample = lambda name: SampleDataLogic().downloadSample(name)
    module.downloadSamples = lambda name: SampleDataLogic().downloadSamples(name)
    return module
