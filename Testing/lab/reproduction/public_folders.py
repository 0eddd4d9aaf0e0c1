"""Small folders with the public sets' own names, filled with generated heads."""

import json

import SimpleITK as sitk

from Testing.phantom import phantom_head

SIZE, SPACING = (32, 36, 20), (5.4, 6.0, 8.6)
SITES = ("Guys", "HH", "IOP", "HH")


def write(path, contrast="T1w", seed=0, size=SIZE, spacing=SPACING):
    """A generated head as a file of this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(phantom_head(size=size, spacing=spacing, contrast=contrast, seed=seed), str(path))
    return path


def ixi_folder(root, subjects=4, contrasts=("T1", "T2")):
    """IXI as its archives unpack."""
    for number in range(subjects):
        for contrast in contrasts:
            name = f"IXI{number + 2:03d}-{SITES[number % 4]}-{828 + number:04d}-{contrast}.nii.gz"
            write(root / f"IXI-{contrast}" / name, f"{contrast}w", number)
    return root


def hcp_folder(root, subjects=("100206", "100307", "100408"), preprocessed=False):
    """HCP Young Adult as its packages unpack."""
    for number, subject in enumerate(subjects):
        for contrast, folder in (("T1w", "T1w_MPR1"), ("T2w", "T2w_SPC1")):
            if preprocessed:
                write(root / subject / "T1w" / f"{contrast}_acpc_dc_restore.nii.gz", contrast, number)
            else:
                name = f"{subject}_3T_{folder}.nii.gz"
                write(root / subject / "unprocessed" / "3T" / folder / name, contrast, number)
    return root


def bids_pairs(
    root, subjects=3, contrasts=("T1w", "T2w"), sessions=("ses-1", "ses-2"), ending="", sidecars=False, make=write
):
    """3T/7T pairs in BIDS form; ``make(path, contrast, seed, tesla)`` writes a scan."""
    for number in range(subjects):
        for tesla, session in zip((3, 7), sessions):
            for contrast in contrasts:
                subject = f"sub-{number + 1:02d}"
                stem = f"{subject}_{session}_{contrast}{ending}" if session else f"{subject}_{contrast}{ending}"
                folder = root / subject / session / "anat" if session else root / subject / "anat"
                finer = {} if tesla == 3 else {"size": (40, 44, 24), "spacing": (4.4, 4.8, 7.2)}
                path = make(folder / f"{stem}.nii.gz", contrast, number, **finer)
                if sidecars:
                    about = {"MagneticFieldStrength": tesla, "Manufacturer": "none"}
                    path.with_name(f"{stem}.json").write_text(json.dumps(about))
    return root
