"""Self-test of the module: a generated head, the real worker, the result in the scene.

Runs in Slicer (Reload and Test, CTest) and in the test host of the repository.
"""

import importlib.util
import logging

import numpy as np
import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from .errors import MissingPackage
from .jobs import models
from .jobs.worker_environment import usesOwnPython
from .logic import CHARMSSRLogic
from .scene import compare_views, scene_results
from .scene.geometry import ijkToRasOfNode, matrixFromArray
from .scene.map_legends import MapLegends
from .scene.map_overlay import MapOverlay
from .scene.sample_data import CATEGORY, SAMPLE_NAME

PHANTOM_SIZE = (48, 56, 18)  # voxels i, j, k: thick axial slices
PHANTOM_SPACING = (3.5, 3.5, 8.0)


def addPhantomHead(name="Phantom head"):
    """Volume node with a head of ellipsoids (scalp, skull, grey and white matter, ventricles), turned a little."""
    shape = PHANTOM_SIZE[::-1]
    centred = [(np.arange(count) - (count - 1) / 2) * step for count, step in zip(PHANTOM_SIZE, PHANTOM_SPACING)]
    z, y, x = np.meshgrid(centred[2], centred[1], centred[0], indexing="ij")
    voxels = np.zeros(shape)
    for radii, value in (((74, 86, 66), 800), ((67, 79, 59), 60), ((61, 73, 53), 420), ((52, 64, 44), 640)):
        voxels[(x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2 < 1] = value
    voxels[(x / 14) ** 2 + (y / 30) ** 2 + (z / 14) ** 2 < 1] = 120
    voxels += np.random.default_rng(0).normal(0, 8, shape)

    angle = np.radians(10)
    rotation = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    ijkToRas = np.eye(4)
    ijkToRas[:3, :3] = rotation * np.array(PHANTOM_SPACING)
    ijkToRas[:3, 3] = -ijkToRas[:3, :3] @ ((np.array(PHANTOM_SIZE) - 1) / 2) + (5, -12, 30)

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.clip(voxels, 0, None).astype(np.int16))
    node.SetIJKToRASMatrix(matrixFromArray(ijkToRas))
    node.CreateDefaultDisplayNodes()
    return node


def canCompute():
    """True if the worker's Python has what it needs, as far as this Python can tell."""
    if not usesOwnPython():
        return True
    return all(importlib.util.find_spec(package) is not None for package in ("ncnn", "safetensors"))


class CHARMSSRTest(ScriptedLoadableModuleTest):
    """Each test starts from an empty scene."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        self.logic = CHARMSSRLogic()

    def tearDown(self):
        self.logic.stopEverything()
        slicer.mrmlScene.Clear()

    def runTest(self):
        """All tests, one after the other."""
        for name in sorted(name for name in dir(self) if name.startswith("test_")):
            self.setUp()
            try:
                logging.info("CHARMSSR self-test: %s", name)
                getattr(self, name)()
            finally:
                self.tearDown()
        self.delayDisplay("Test passed")

    def test_a_generated_head_is_enhanced_where_an_engine_is_installed(self):
        head = addPhantomHead()
        if not canCompute() or not models.availableModels():
            self._checkRefusal(head)
            return
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
        head.SetAndObserveTransformNodeID(transform.GetID())
        fractions = []
        result = self.logic.process(head, progressCallback=lambda fraction, message: fractions.append(fraction))
        self._checkGeometry(head, result)
        self.assertEqual(fractions, sorted(fractions))
        self.assertIs(result.GetParentTransformNode(), transform)
        self.assertIs(scene_results.sourceOf(result), head)
        self.assertEqual(result.GetDisplayNode().GetWindow(), head.GetDisplayNode().GetWindow())
        report = scene_results.reportOf(result)
        self.assertEqual(report["checkpoint"]["name"], result.GetAttribute(scene_results.CHECKPOINT))
        self.assertGreater(report["slices"]["enhanced"], 0)

    def test_maps_stand_beside_the_result_and_are_shown_over_it(self):
        if not canCompute() or not models.availableModels():
            logging.info("No engine or no model: nothing to make maps with")
            return
        head = addPhantomHead()
        result = self.logic.process(head, biasCorrection=False, skullStrip="none", maps=True)
        maps = self.logic.mapNodes(result)
        self.assertEqual(list(maps), ["detail", "removed", "variability"])
        for name, node in maps.items():
            self.assertIs(result.GetNodeReference("CHARMSSR.Map." + name), node)
            self.assertIs(node.GetNodeReference("CHARMSSR.Result"), result)
            self.assertEqual(node.GetImageData().GetDimensions(), result.GetImageData().GetDimensions())
            np.testing.assert_allclose(ijkToRasOfNode(node), ijkToRasOfNode(result), atol=1e-6)
        detail, variability = (slicer.util.arrayFromVolume(maps[name]) for name in ("detail", "variability"))
        self.assertTrue(detail.min() < 0 < detail.max())
        self.assertTrue(variability.min() >= 0 and variability.max() > 0)
        self._checkOverlay(head, result, maps["detail"])

    def _checkOverlay(self, head, result, mapNode):
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        if not composites or slicer.app.layoutManager() is None:
            logging.info("This application has no slice views")
            return
        overlay, legends = MapOverlay(), MapLegends(lambda: None)
        self.logic.show(result)
        overlay.show(mapNode, result, 0.5)
        legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(mapNode)
        self.assertTrue(legend.GetVisibility())
        self.assertEqual({each.GetForegroundVolumeID() for each in composites}, {mapNode.GetID()})
        overlay.hide()
        self.assertEqual({each.GetForegroundVolumeID() for each in composites}, {None})
        self.assertFalse(legend.GetVisibility())
        legends.stop()
        compare_views.showSideBySide(head, result, withThirdView=True)
        self.assertTrue(compare_views.threeViewsAreShown())
        shown = [compare_views.compositeNode(name).GetBackgroundVolumeID() for name in ("Red", "Yellow", "Green")]
        self.assertEqual(shown, [head.GetID(), result.GetID(), result.GetID()])

    def test_bad_volumes_are_refused_with_a_sentence(self):
        head = addPhantomHead()
        flat = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Flat")
        slicer.util.updateVolumeFromArray(flat, np.full((20, 40, 40), 7, dtype=np.int16))
        thin = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Thin")
        slicer.util.updateVolumeFromArray(thin, slicer.util.arrayFromVolume(head)[:8])
        labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
        slicer.util.updateVolumeFromArray(labels, slicer.util.arrayFromVolume(head))
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        for volume in (None, flat, thin, labels):
            with self.assertRaises(ValueError):
                self.logic.process(volume)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def test_pairs_that_cannot_teach_anything_are_refused_with_a_sentence(self):
        # A fine-tuning itself takes minutes with the bundled models; the repository's tests do it with a tiny one.
        scan, seven = addPhantomHead("sub-01 3T"), addPhantomHead("sub-01 7T")
        seven.SetSpacing(3.0, 3.0, 4.0)
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        for pairs in ([], [(scan, None)], [(scan, scan)], [(scan, seven)], [(seven, scan)]):
            with self.assertRaises(ValueError):
                self.logic.fineTune(pairs, name="self-test")
        slicer.util.updateVolumeFromArray(seven, slicer.util.arrayFromVolume(seven) + 1)
        self.assertEqual(self.logic.reasonNotToFineTune([(scan, seven)], "self-test"), "")
        self.assertNotEqual(self.logic.reasonNotToFineTune([(scan, seven)], "no name"), "")
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def test_sample_data_are_registered(self):
        from .scene.sample_data import registerSampleData

        registerSampleData()
        sources = getattr(slicer.modules, "sampleDataSources", None)
        if sources is None:
            logging.info("This application has no Sample Data module")
            return
        self.assertIn(SAMPLE_NAME, [source.sampleName for source in sources[CATEGORY]])

    def _checkRefusal(self, head):
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises((MissingPackage, ValueError)):
            self.logic.process(head)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def _checkGeometry(self, head, result):
        """Twice as many voxels in the plane of the slices, the same outer borders."""
        before, after = ijkToRasOfNode(head), ijkToRasOfNode(result)
        size = np.array(head.GetImageData().GetDimensions())
        self.assertEqual(result.GetImageData().GetDimensions(), (2 * size[0], 2 * size[1], size[2]))
        corners = np.array([[-0.5, -0.5, -0.5, 1], [*(size - 0.5), 1]]).T
        enhancedCorners = np.array([[-0.5, -0.5, -0.5, 1], [*(size * (2, 2, 1) - 0.5), 1]]).T
        np.testing.assert_allclose(before @ corners, after @ enhancedCorners, atol=1e-4)
