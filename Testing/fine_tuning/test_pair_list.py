"""Reading a list of pairs."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import InputError, PairError
from CHARMSSRLib.fine_tuning.pairs.pair import Pair
from CHARMSSRLib.fine_tuning.pairs.pair_checks import swap_suspicion
from CHARMSSRLib.fine_tuning.pairs.pair_list import read_pairs

HEADER = "subject,contrast,path_3t,path_7t\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with scans a3, b3 (1 mm), a7, b7 (0.5 mm) and a mask."""
    for name, spacing in (("a3", 1.0), ("b3", 1.0), ("a7", 0.5), ("b7", 0.5), ("mask", 1.0)):
        image = sitk.GetImageFromArray(np.full((4, 5, 6), 7, np.uint8))
        image.SetSpacing([spacing] * 3)
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    return tmp_path


def write(folder, text, encoding="utf-8"):
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def refusal(folder, text):
    with pytest.raises(PairError) as error:
        read_pairs(write(folder, text))
    return str(error.value)


def test_pairs_have_absolute_paths_and_optional_masks(folder):
    text = (
        "subject,note,contrast,path_7t,path_3t,mask_3t\n"
        "anna,,T1w,a7.nii.gz,a3.nii.gz,mask.nii.gz\n"
        "\n"
        f"bert,second visit,T2w,{folder / 'b7.nii.gz'},b3.nii.gz,\n"
    )
    first, second = read_pairs(write(folder, text, "utf-8-sig"))
    assert (first.subject, first.contrast) == ("anna", "T1w")
    assert first.image_3t == (folder / "a3.nii.gz").resolve()
    assert first.mask_3t == (folder / "mask.nii.gz").resolve()
    assert second.image_7t == (folder / "b7.nii.gz").resolve()
    assert second.mask_3t is None
    assert second.name == "bert T2w"


def test_a_pair_is_read_when_it_is_needed(folder):
    pair = read_pairs(write(folder, HEADER + "anna,T1w,a3.nii.gz,a7.nii.gz\n"))[0]
    image_3t, image_7t, mask = pair.load()
    assert image_3t.GetSpacing() == (1, 1, 1) and image_7t.GetSpacing() == (0.5, 0.5, 0.5)
    assert mask is None
    assert pair.file_names == ("a3.nii.gz", "a7.nii.gz")
    (folder / "a7.nii.gz").write_bytes(b"damaged")
    with pytest.raises(InputError):
        pair.load()


def test_images_in_memory_stay_as_they_are():
    image = sitk.Image([4, 4, 4], sitk.sitkInt16)
    pair = Pair("anna", "T1w", image, image)
    assert pair.load()[0] is image
    assert pair.file_names == ("", "")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "lacks the columns subject, contrast, path_3t, path_7t"),
        ("subject,contrast,path_3t\n", "lacks the column path_7t"),
        (HEADER, "holds no pair"),
        (HEADER + " , ,,\n", "holds no pair"),
        (HEADER + "\nanna,T1w,,a7.nii.gz\n", "line 3: the field path_3t is empty"),
        (HEADER + ",T1w,a3.nii.gz,a7.nii.gz\n", "line 2: the field subject is empty"),
        (HEADER + "anna,T1w,a3.nii.gz\n", "line 2: the field path_7t is empty"),
        (HEADER + "anna,T1w,a3.nii.gz,c7.nii.gz\n", "line 2: path_7t: there is no file"),
        (HEADER + "anna,T1w,a3.nii.gz,./a3.nii.gz\n", "line 2: path_3t and path_7t name the same file"),
        (HEADER + "anna,T1w,a7.nii.gz,a3.nii.gz\n", "line 2: the 7T scan is coarser"),
        (HEADER + "a,T1w,a3.nii.gz,a7.nii.gz\na,T1w,b3.nii.gz,b7.nii.gz\n", "line 3: a T1w stands in line 2 already"),
        (HEADER + "a,T1w,a3.nii.gz,a7.nii.gz\nb,T1w,b3.nii.gz,a7.nii.gz\n", "line 3: a7.nii.gz stands in line 2"),
        (HEADER + "a,T1w,a3.nii.gz,pairs.csv\n", "pairs.csv cannot be read as a volume"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(folder, text, words):
    assert words in refusal(folder, text)


def test_links_keep_their_names_and_those_to_nothing_say_what_they_are(folder):
    (folder / "annex").symlink_to(".git/annex/objects/x/y")
    (folder / "lost.nii.gz").symlink_to("elsewhere.nii.gz")
    assert "line 2: path_3t: annex is a link of git-annex" in refusal(folder, HEADER + "a,T1w,annex,a7.nii.gz\n")
    assert "line 2: path_7t: lost.nii.gz is a link to" in refusal(folder, HEADER + "a,T1w,a3.nii.gz,lost.nii.gz\n")
    (folder / "object").write_bytes((folder / "a3.nii.gz").read_bytes())
    (folder / "linked.nii.gz").symlink_to("object")
    (folder / "pairs.csv").write_text(HEADER + "a,T1w,linked.nii.gz,a7.nii.gz\n")
    (pair,) = read_pairs(folder / "pairs.csv")
    assert pair.image_3t.name == "linked.nii.gz"
    text = HEADER + "a,T1w,linked.nii.gz,object\n"
    assert "name the same file" in refusal(folder, text)


def test_a_missing_mask_is_no_silent_skull_strip(folder):
    text = HEADER.strip() + ",mask_3t\nanna,T1w,a3.nii.gz,a7.nii.gz,lost.nii.gz\n"
    assert "line 2: mask_3t: there is no file" in refusal(folder, text)


def test_a_list_that_is_absent_or_no_text(folder):
    with pytest.raises(PairError, match="cannot be read"):
        read_pairs(folder / "none.csv")
    with pytest.raises(PairError, match="cannot be read"):
        read_pairs(folder)
    (folder / "pairs.csv").write_bytes(b"\x81\x8d\x8f\x90")
    with pytest.raises(PairError, match="no CSV text"):
        read_pairs(folder / "pairs.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_names_are_read_in_the_encodings_of_spreadsheets(folder, encoding):
    (pair,) = read_pairs(write(folder, HEADER + "jörg,T1w,a3.nii.gz,a7.nii.gz\n", encoding))
    assert pair.subject == "jörg"


def test_only_clearly_larger_voxels_look_swapped():
    assert swap_suspicion((1, 1, 1), (0.7, 0.7, 0.7)) == ""
    assert swap_suspicion((0.8, 0.8, 0.8), (0.8, 0.8, 0.8)) == ""
    # Thin 7T slices make up for larger pixels.
    assert swap_suspicion((0.5, 0.5, 5), (0.7, 0.7, 0.7)) == ""
    assert "may be swapped" in swap_suspicion((0.7, 0.7, 0.7), (1, 1, 1))
