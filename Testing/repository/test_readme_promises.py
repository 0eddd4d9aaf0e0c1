"""Each promise of the README is held by tests, which are named here; a new promise needs one, too."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

# How a promise begins in the README -> the tests that hold it, as "file below Testing::test".
PROMISES = {
    "**Module CHARMSSR**": (
        "module/test_module_description.py::test_the_module_names_itself_and_its_place",
        "module/test_module_panel.py::test_the_button_adds_a_volume_and_shows_its_figures",
        "module/test_module_panel.py::test_the_same_button_cancels_and_the_scene_stays_as_it_was",
        "module/test_module_panel.py::test_compare_shows_both_volumes_in_one_plane_with_the_same_grey_levels",
    ),
    "**Command `charmssr`, library CHARMSSRLib**": (
        "cli/test_readme_commands.py::test_every_command_of_the_readme_that_can_run_here_does_what_stands_there",
        "bids/test_participant_level.py::test_a_result_and_its_sidecars_say_what_bids_asks_for",
        "dicom/test_node_processes.py::test_the_command_serves_with_the_network_and_ends_politely",
    ),
    "any voxel size, orientation and slice direction": (
        "enhancement/test_enhance.py::test_the_result_has_finer_slices_within_the_same_physical_bounds",
        "module/test_module_geometry.py::test_itk_finds_each_voxel_where_slicer_does",
        "files/test_writing_files.py::test_sform_and_qform_state_the_geometry_in_every_orientation",
    ),
    "it looks first at": (
        "acquisition/test_resolution_setting.py::test_the_result_is_never_coarser_than_the_scan",
        "module/test_module_scan_line.py::"
        "test_interpolated_pixels_are_named_and_the_announced_voxels_are_those_of_the_library",
    ),
    "a noise control": (
        "enhancement/test_noise_control.py::test_the_setting_reaches_the_result_and_the_report",
        "module/test_module_panel.py::test_noise_is_automatic_until_the_user_takes_the_slider",
    ),
    "slice by slice, or": (
        "enhancement/test_three_planes.py::test_all_axes_are_refined_within_the_same_physical_bounds",
        "enhancement/test_through_plane.py::test_the_slice_axis_comes_near_the_new_pixels_but_never_below",
    ),
    "figures and [colour maps": (
        "module/test_module_maps.py::test_a_users_copy_of_a_result_keeps_the_originals_maps_as_they_were",
        "module/test_module_report_text.py::test_changes_show_both_figures_only_when_they_differ",
    ),
    "[fine-tuning]": (
        "fine_tuning/test_fine_tune.py::test_the_network_reads_what_enhance_feeds_it",
        "cli/test_fine_tune_command.py::test_a_bare_name_lies_with_the_users_other_checkpoints",
        "module/test_module_readme_console.py::test_the_console_tutorial_of_the_readme_runs",
    ),
    "results go [back into the hospital]": (
        "dicom/test_enhance_dicom.py::test_the_network_and_the_report_are_the_real_ones",
    ),
    "the heavy work runs in a process of its own": (
        "worker/test_worker_process.py::test_exhausted_memory_is_no_bug",
        "module/test_module_panel.py::test_an_error_is_a_sentence_in_the_panel",
        "engines/test_without_torch.py::test_a_whole_job_with_every_figure_and_map_loads_no_torch",
    ),
    "Get CHARMSSR": (
        "repository/test_extension.py::test_cmake_puts_the_library_beside_the_module",
        "module/test_module_description.py::test_the_module_names_itself_and_its_place",
    ),
    "Open the module": (
        "module/test_module_installation.py::test_one_question_then_ncnn_and_safetensors_are_installed_and_no_torch",
    ),
    "**Get a scan.**": ("module/test_module_description.py::test_the_sample_is_slicers_own_head_under_its_checksum",),
    "Open *CHARMSSR*": (
        "module/test_module_at_a_glance.py::test_what_a_first_enhancement_needs_is_seen_without_scrolling",
        "module/test_module_at_a_glance.py::test_folded_sections_tell_what_is_chosen_inside",
        "module/test_module_scan_line.py::"
        "test_the_line_says_contrast_resolution_and_noise_and_its_tool_tip_how_they_were_told",
    ),
    "Press *Enhance to 7T-like*": (
        "module/test_module_panel.py::test_progress_shows_stage_slices_and_remaining_time",
        "module/test_module_panel.py::test_the_same_button_cancels_and_the_scene_stays_as_it_was",
    ),
    "The new volume": (
        "module/test_module_panel.py::test_views_are_linked_and_unlinked",
        "module/test_module_panel.py::test_compare_shows_both_volumes_in_one_plane_with_the_same_grey_levels",
    ),
    "*All figures* opens": (
        "module/test_module_scene_changes.py::test_the_report_is_a_table_of_the_scene_beside_the_result",
    ),
    "Research use only": ("module/test_module_description.py::test_the_module_names_itself_and_its_place",),
    "**No bundled checkpoint has seen 7T data.**": (
        "module/test_module_panel.py::test_each_model_is_listed_with_what_its_result_may_be_called_and_why",
    ),
    "Trained on adults'": (
        "acquisition/test_tags_and_warnings.py::test_images_that_a_network_made_are_known_by_their_tags",
    ),
    "Noise is taken away": (
        "enhancement/test_noise_control.py::"
        "test_the_card_says_the_default_and_a_checkpoint_without_a_control_takes_nothing_away",
    ),
    "Strong motion, metal": ("acquisition/test_tags_and_warnings.py::test_a_head_that_is_cut_off_is_warned_of",),
}
# Commands that the tests of the command line do not run as they stand: a network, minutes, another extra.
COMMANDS = {
    "charmssr enhance DICOM_FOLDER enhanced.nrrd": ("files/test_reading_dicom_folders.py::"
        "test_one_series_becomes_a_volume_with_its_geometry",),
    "charmssr enhance DICOM_FOLDER ENHANCED_FOLDER/": (
        "dicom/test_enhance_dicom.py::test_a_name_with_a_slash_at_its_end_asks_for_a_series",
    ),
    "charmssr node": ("dicom/test_node_processes.py::test_the_command_serves_with_the_network_and_ends_politely",),
    "charmssr bids": ("bids/test_participant_level.py::test_a_result_and_its_sidecars_say_what_bids_asks_for",),
    "charmssr fine-tune": ("cli/test_fine_tune_command.py::test_a_bare_name_lies_with_the_users_other_checkpoints",),
    "charmssr export": (
        "cli/test_export_command.py::test_the_file_computes_what_the_network_computes_at_any_size",
    ),
}  # fmt: skip
SECTIONS = ("What is in it", "Install", "Tutorial: the panel", "Limits")


def promises():
    """What the README promises: the points and steps of these sections."""
    found = []
    for title in SECTIONS:
        section = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## )", README, re.DOTALL | re.MULTILINE).group(1)
        found += re.findall(r"^(?:- |\d+\. )(.*)$", section, re.MULTILINE)
    return found


@pytest.mark.parametrize("promise", promises(), ids=lambda text: text[:30])
def test_each_promise_is_held_by_tests(promise):
    assert [key for key in PROMISES if promise.startswith(key)], f"name the tests that hold: {promise}"


def test_no_test_is_named_for_a_promise_that_is_not_made_any_more():
    assert [key for key in PROMISES if not any(one.startswith(key) for one in promises())] == []
    lines = re.findall(r"^charmssr .*$", README, re.MULTILINE)
    assert [key for key in COMMANDS if not any(one.startswith(key) for one in lines)] == []


@pytest.mark.parametrize("name", sorted({name for names in (*PROMISES.values(), *COMMANDS.values()) for name in names}))
def test_the_named_tests_exist(name):
    file, test = name.split("::")
    tree = ast.parse((REPOSITORY / "Testing" / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_command_of_the_readme_is_run_or_has_a_test_of_its_own():
    path = REPOSITORY / "Testing" / "cli" / "test_readme_commands.py"
    (elsewhere,) = [
        ast.literal_eval(node.value)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "ELSEWHERE"
    ]
    lines = re.findall(r"^charmssr .*$", README, re.MULTILINE)
    not_run = [line for line in lines if any(word in line for word in elsewhere)]
    assert len(not_run) >= len(elsewhere)
    assert [line for line in not_run if not any(line.startswith(key) for key in COMMANDS)] == []
