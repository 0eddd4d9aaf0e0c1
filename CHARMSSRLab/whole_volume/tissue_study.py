"""Study "tissue": is a segmentation of the enhanced scan nearer to the fine scan's than that of interpolation?"""

import numpy as np
import SimpleITK as sitk
from scipy.spatial import cKDTree

from CHARMSSRLib.enhancement.enhance import enhance
from CHARMSSRLib.errors import BackendError, InputError
from CHARMSSRLib.settings import EnhancementSettings

from .study_of_volumes import Column, Study
from .whole_heads import coarse_head, cubic_of, rounded

CSF, GREY, WHITE = 1, 2, 3  # the classifier's labels on T1w, by brightness
VOLUMES = {"grey": GREY, "white": WHITE}
SURFACES = {"white_surface": WHITE, "pial_surface": GREY}  # the outline of all labels from this one on
_SMOOTHNESS, _ITERATIONS = 0.1, 25


def measure(sample, checkpoint, setup):
    """One row: how far volumes (share) and surfaces (mm) lie from the fine scan's, interpolated and enhanced."""
    if sample.contrast != "T1w":
        raise InputError(f"{sample.name}: the classes are told apart by T1w brightness; choose --contrast T1w.")
    scale = checkpoint.card["scale"]
    head = coarse_head(sample.image, sample.mask, scale, "kspace", setup.slices)
    settings = EnhancementSettings(
        checkpoint=setup.checkpoint, device=setup.device, planes="axial", bias_correction=False, denoise=setup.denoise,
        quality=setup.quality, resolution="stated",
    )  # fmt: skip
    result = enhance(head.image, settings, head.mask)
    brain = head.brain & (sitk.GetArrayViewFromImage(result.mask) > 0)
    compared = {"cubic": cubic_of(head.image, (1, scale, scale)), "own": sitk.GetArrayFromImage(result.image)}
    truth = tissue_labels(head.truth, brain)
    row = {"denoise": result.report["noise"]["denoise"]}
    pixel = result.image.GetSpacing()[0]
    for name, image in compared.items():
        labels = tissue_labels(image, brain)
        for tissue, label in VOLUMES.items():
            row[f"{tissue}_{name}"] = float(abs((labels == label).sum() / (truth == label).sum() - 1))
        for surface, label in SURFACES.items():
            row[f"{surface}_{name}"] = outline_distance(labels >= label, truth >= label) * pixel
    return [rounded(row)]


def tissue_labels(image, brain):
    """Three classes of a T1w brain by DIPY's hidden Markov random field classifier, which has no weights.

    Args:
        image: float array (n, H, W).
        brain: bool array of the same shape.

    Returns:
        uint8 array (n, H, W): 1 to 3 by brightness in the brain, 0 around it.

    Raises:
        InputError: the classifier found no classes (DIPY 1.12 labels all voxels -1 where the classes have next to
            no noise, see findings/dipy_hmrf_clean_images.sh). BackendError: DIPY is missing.
    """
    try:
        from dipy.segment.tissue import TissueClassifierHMRF
    except ImportError as error:
        raise BackendError("The study 'tissue' needs DIPY: pip install dipy.") from error
    image = np.where(brain, np.maximum(image, 0), 0)
    image = np.clip(image / np.percentile(image[brain], 99.5) * 255, 0, 255)
    classifier = TissueClassifierHMRF(verbose=False)
    labels = classifier.classify(np.moveaxis(image, 0, 2), 3, _SMOOTHNESS, max_iter=_ITERATIONS)[1]
    labels = np.where(brain, np.moveaxis(np.asarray(labels), 2, 0), 0)
    if labels.min() < 0:
        raise InputError("The classifier found no tissues: it needs a brain with some noise.")
    return labels.astype(np.uint8)


def outline_distance(one, other):
    """Mean distance in pixels between the outlines of two masks (n, H, W), both ways, slice by slice."""
    distances = []
    for first, second in zip(one, other):
        points = [_outline(mask) for mask in (first, second)]
        if all(len(each) for each in points):
            distances += [cKDTree(points[1]).query(points[0])[0], cKDTree(points[0]).query(points[1])[0]]
    return float(np.concatenate(distances).mean()) if distances else float("nan")


def _outline(mask):
    """Points (k, 2) where the edge of a mask (H, W) crosses the lines between its pixels."""
    points = []
    for axis in (0, 1):
        crossing = np.argwhere(np.diff(mask.astype(np.int8), axis=axis) != 0).astype(float)
        crossing[:, axis] += 0.5
        points.append(crossing)
    return np.concatenate(points)


def verdict(rows):
    """In how many volumes the enhanced scan's are nearer to the fine scan's."""
    sentences = []
    for name in (*VOLUMES, *SURFACES):
        pairs = [(row[f"{name}_cubic"], row[f"{name}_own"]) for row in rows]
        nearer = sum(own < cubic for cubic, own in pairs)
        sentences.append(f"{name.replace('_', ' ')}: nearer than interpolation's in {nearer} of {len(pairs)} volumes.")
    return sentences


STUDY = Study(
    name="tissue",
    title="Tissues and surfaces of a scan made coarse",
    protocol="The whole T1w scan, corrected for its bias field, is made coarse in its axial plane by k-space truncation"
    " with noise, and enhanced with the fine scan's mask. An independent classifier (DIPY's hidden Markov random field,"
    " three classes, no weights; nothing of it is used in training) labels the fine scan, the interpolated and the"
    " enhanced one. Volumes: how far off the fine scan's they are. Surfaces: mean distance in mm between the outlines"
    " in the slices, both ways; white: of white matter; pial: of grey and white matter together.",
    columns=(
        Column("volume", "volume"), Column("denoise", "noise control", "d"),
        Column("grey_cubic", "grey matter, cubic", ".1%"), Column("grey_own", "grey matter", ".1%"),
        Column("white_cubic", "white matter, cubic", ".1%"), Column("white_own", "white matter", ".1%"),
        Column("white_surface_cubic", "white surface, cubic", ".3f"),
        Column("white_surface_own", "white surface", ".3f"),
        Column("pial_surface_cubic", "pial surface, cubic", ".3f"),
        Column("pial_surface_own", "pial surface", ".3f"),
    ),
    measure=measure,
    takes_slices=True,
    verdict=verdict,
)  # fmt: skip
