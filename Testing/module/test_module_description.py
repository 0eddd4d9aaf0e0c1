"""What Slicer lists about the module, its sample data, and its self-test."""

import ast
import re


def test_the_module_names_itself_and_its_place(slicerModule):
    import slicer

    module = slicer.modules.charmssr
    assert module.title == "CHARMSSR" and list(module.categories) == ["Image Synthesis"]
    assert module.helpText.strip() and module.acknowledgementText.strip()


def test_slicer_finds_the_four_classes_in_the_modules_file(slicerModule):
    import sys

    module = sys.modules["CHARMSSR"]
    for name in ("CHARMSSR", "CHARMSSRWidget", "CHARMSSRLogic", "CHARMSSRTest"):
        assert isinstance(getattr(module, name), type), name


def test_the_sample_is_slicers_own_head_under_its_checksum(slicerModule):
    import slicer

    (sample,) = slicer.modules.sampleDataSources["CHARMSSR"]
    assert sample.sampleName == "CHARMSSR T1w head" and list(sample.nodeNames) == ["MRHead"]
    (uri,), (checksum,) = list(sample.uris), list(sample.checksums)
    assert re.fullmatch("SHA256:[0-9a-f]{64}", checksum) and uri.endswith("SHA256/" + checksum[7:])
    assert uri.startswith("https://github.com/Slicer/SlicerTestingData/releases/download/")


def test_the_sample_opens_through_the_sample_data_module(slicerModule, tmp_path):
    import numpy as np
    import SampleData
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.ones((4, 5, 6), np.int16)), str(tmp_path / "MR-head.nrrd"))
    SampleData.SampleDataLogic.localFiles["CHARMSSR T1w head"] = str(tmp_path / "MR-head.nrrd")
    node = SampleData.downloadSample("CHARMSSR T1w head")
    assert node.GetName() == "MRHead" and node.GetImageData().GetDimensions() == (6, 5, 4)


def test_no_file_of_the_module_imports_torch_and_only_thin_parts_of_the_library_are_imported_late():
    from Testing.module.module_helpers import MODULE_FOLDER

    paths = sorted(MODULE_FOLDER.rglob("*.py"))
    assert len(paths) > 40
    for path in paths:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not any(name.split(".")[0] in ("torch", "safetensors", "CHARMSSRLib") for name in names), path


def test_visible_texts_are_translatable_without_f_strings():
    from Testing.module.module_helpers import MODULE_FOLDER

    paths = sorted(MODULE_FOLDER.rglob("*.py"))
    assert len(paths) > 40
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_":
                assert not any(isinstance(part, ast.JoinedStr) for part in ast.walk(node)), f"{path}:{node.lineno}"


def test_every_setting_of_the_fine_tune_section_is_bound_in_its_ui_file(slicerModule):
    from CHARMSSRModule.fine_tune_parameters import FineTuneParameterNode

    from Testing.module.module_helpers import MODULE_FOLDER

    text = (MODULE_FOLDER / "Resources" / "UI" / "FineTune.ui").read_text(encoding="utf-8")
    bound = re.findall(r'name="SlicerParameterName"[^>]*>\s*<string[^>]*>(\w+)</string>', text)
    lists = ["checkpoint", "learningRate", "skullStrip"]  # known at run time only, see ItemDataConnector
    assert sorted([*bound, *lists, "result"]) == sorted(FineTuneParameterNode.allParameters)


def test_every_parameter_but_lists_of_run_time_is_bound_in_the_ui_file():
    from Testing.module.module_helpers import MODULE_FOLDER

    text = (MODULE_FOLDER / "Resources" / "UI" / "CHARMSSR.ui").read_text(encoding="utf-8")
    bound = re.findall(r'name="SlicerParameterName"[^>]*>\s*<string[^>]*>(\w+)</string>', text)
    assert sorted(bound) == sorted(
        [
            "inputVolume",
            "outputVolume",
            "maskNode",
            "planes",
            "resolution",
            "bestQuality",
            "biasCorrection",
            "restoreBias",
            "keepSkull",
            "dataConsistency",
            "maps",
            "mapOpacity",
        ]
    )  # fmt: skip  (lists known at run time only are not, nor is noise, whose default the model's card has)
