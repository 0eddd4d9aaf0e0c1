"""What a user can choose: one table each for enhancing and fine-tuning. Free of torch: panel and parser read it too.

The fields carry the names of the command-line options; each is described where it is declared, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import SettingsError
from .settings_table import Settings, setting

PLANES = ("acquisition", "axial", "coronal", "sagittal", "three")
DATA_CONSISTENCY = ("none", "report", "project")
ENGINES = ("auto", "torch", "ncnn")
QUALITIES = ("plain", "best")
AUTOMATIC = "auto"  # of the noise that is taken away: what the scan needs; of the checkpoint: by what was measured
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
TRAINING_PRECISIONS = ("auto", "float32", "bfloat16")  # float16 loses small gradients
DEFAULT_CHECKPOINT = "charms-x2-clinical"
DEVICE = r"auto|cpu|mps|cuda(:\d+)?"
DEVICE_METAVAR = "auto|cpu|cuda[:N]|mps"
ENHANCING_DEVICE = DEVICE + r"|vulkan(:\d+)?"
NO_ENHANCING_DEVICE = "{value} is no device; use auto, cpu, cuda, cuda:N, mps or vulkan:N"
NO_DEVICE = "{value} is no device; use auto, cpu, cuda, cuda:N or mps"
SMALLEST_PATCH = 12  # of the 3T slice: the window of SSIM has to fit into the patch

MODEL, BEFORE, RESULT, MACHINE = "model", "preprocessing", "result", "machine"
START, TRAINING = "start and data", "training"
SERIES = "DICOM series"
NETWORK, BOUNDS, SECURITY = "network", "bounds", "TLS"
CHECKPOINT_NAME = rf"(?!{AUTOMATIC}$)[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}"
NO_CHECKPOINT_NAME = (
    "{value} cannot name a checkpoint: use up to 100 letters, digits, dots, dashes and underscores, and not auto."
)
AE_TITLE = r"[A-Za-z0-9_ .-]{1,16}"


@dataclass(frozen=True)
class EnhancementSettings(Settings):
    """Settings of one enhancement."""

    checkpoint: str = setting(
        DEFAULT_CHECKPOINT,
        "checkpoint by name (see: charmssr checkpoints) or weights file; auto chooses by what the scan measured",
        group=MODEL,
        metavar="auto|NAME|FILE",
    )
    planes: str = setting(
        "acquisition", "slices to enhance: as they were acquired, others, or all three", group=MODEL, choices=PLANES
    )
    resolution: str = setting(
        "auto",
        "pixels to enhance from: the measured ones where a scan is zero-filled, the stated ones, or how many of these"
        " make a measured one (in plane, or for each axis of the image)",
        group=BEFORE,
        pattern=r"auto|stated|\d+(\.\d+)?|\d+(\.\d+)?([x,]\d+(\.\d+)?){2}",
        metavar="auto|stated|FACTORS",
        refusal="{value} is no resolution: use auto, stated, a factor (2) or one for each axis (2x2x1)",
    )
    slice_thickness: float = setting(
        0.0,
        "thickness of the slices in mm, for planes three: how far they reach into each other, or what lies between",
        group=BEFORE,
        least=0,
        most=100,
        zero="as the tags say or the voxels show, else as far as they are apart",
        metavar="MM",
    )
    bias_correction: bool = setting(True, "correct the bias field (N4) first", group=BEFORE)
    restore_bias: bool = setting(False, "multiply the bias field back into the result", group=BEFORE)
    skull_strip: str = setting(
        "auto",
        "how the brain is found: the best backend present, not at all, or by name",
        group=BEFORE,
        metavar="auto|none|BACKEND",
    )
    keep_skull: bool = setting(False, "enhance and keep everything inside the head", group=BEFORE)
    data_consistency: str = setting(
        "report",
        "compare the result, brought back to the input's grid, with the input, or enforce it",
        group=RESULT,
        choices=DATA_CONSISTENCY,
    )
    denoise: str = setting(
        AUTOMATIC,
        "how much of the noise is taken away, in percent: 0 as measured, 100 reduced; auto as much as the scan"
        " needs, tried on a few of its slices",
        group=RESULT,
        pattern=r"auto|100|[1-9]?\d",
        metavar="auto|0..100",
        refusal="{value} is no share of the noise: use auto or a whole number from 0 to 100",
    )
    quality: str = setting(
        "plain",
        "each slice once, or the mean over mirrored and turned copies: nearer to the truth in four times the time",
        group=RESULT,
        choices=QUALITIES,
    )
    maps: bool = setting(False, "maps of what was added", group=RESULT, on_the_command_line=False)
    engine: str = setting(
        "auto",
        "what computes the network: torch where it has a graphics card, else ncnn; or by name",
        group=MACHINE,
        choices=ENGINES,
    )
    device: str = setting(
        "auto",
        "where to compute",
        group=MACHINE,
        pattern=ENHANCING_DEVICE,
        metavar=f"{DEVICE_METAVAR}|vulkan[:N]",
        refusal=NO_ENHANCING_DEVICE,
    )
    precision: str = setting("auto", "number format", group=MACHINE, choices=PRECISIONS)
    batch: int = setting(0, "slices per batch", group=MACHINE, least=0, zero="automatic", metavar="N")
    threads: int = setting(0, "threads of the computation", group=MACHINE, least=0, zero="all cores given", metavar="N")

    def __post_init__(self) -> None:
        if isinstance(self.denoise, int) and not isinstance(self.denoise, bool):
            object.__setattr__(self, "denoise", str(self.denoise))  # a number is as good as its text
        super().__post_init__()


@dataclass(frozen=True)
class DICOMSettings(Settings):
    """Settings of a DICOM series that a result is written as."""

    series_offset: int = setting(9000, "added to the number of the source's series", group=SERIES, least=1, metavar="N")
    mark: bool = setting(False, "draw a mark (research only) into a corner of each image", group=SERIES)
    structured_report: bool = setting(
        False, "write the report beside it as a structured report (Basic Text SR)", group=SERIES
    )


@dataclass(frozen=True)
class NodeSettings(Settings):
    """Settings of a node of a hospital's network."""

    forward: str = setting("", "where results are sent", group=NETWORK, metavar="TITLE@HOST:PORT")
    port: int = setting(11112, "port to listen on", group=NETWORK, least=0, most=65535, zero="a free one", metavar="N")
    aet: str = setting(
        "CHARMSSR",
        "own application entity title",
        group=NETWORK,
        pattern=AE_TITLE,
        metavar="TITLE",
        refusal="{value} is no application entity title: up to 16 letters, digits, dots, dashes and underscores.",
    )
    bind: str = setting("127.0.0.1", "address to listen on; 0.0.0.0 for all", group=NETWORK, metavar="ADDRESS")
    callers: str = setting(
        "", "titles that may call, with commas between; all if empty", group=NETWORK, metavar="TITLES"
    )
    connections: int = setting(16, "associations at once", group=NETWORK, least=1, metavar="N")
    inbox: str = setting("charmssr-inbox", "folder of the node; made if missing", group=BOUNDS, metavar="FOLDER")
    quiet_time: float = setting(
        30.0, "seconds without a new image after which a series is taken to be complete", group=BOUNDS, least=0.1,
        metavar="SECONDS",
    )  # fmt: skip
    most_gigabytes: float = setting(
        50.0,
        "received objects that the inbox may hold, in GB; more are refused",
        group=BOUNDS,
        least=0.0001,
        metavar="GB",
    )
    most_series: int = setting(200, "series under way at once; more are refused", group=BOUNDS, least=1, metavar="N")
    hold_days: int = setting(
        7, "days after which held series are removed", group=BOUNDS, least=0, zero="never", metavar="N"
    )
    tls_certificate: str = setting("", "own certificate; turns TLS on", group=SECURITY, metavar="FILE.pem")
    tls_key: str = setting("", "key of the own certificate", group=SECURITY, metavar="FILE.pem")
    tls_authority: str = setting(
        "",
        "certificate that has to have signed those of callers and of the archive",
        group=SECURITY,
        metavar="FILE.pem",
    )


@dataclass(frozen=True)
class FineTuningSettings(Settings):
    """Settings of a fine-tuning from 3T/7T pairs.

    Where 0 stands for "automatic", the CPU and a GPU get different values (docs/use/fine-tuning.md):
    the rate of the paper with many steps on a GPU, a larger one with few steps on a CPU.
    """

    name: str = setting(
        "charms-7t",
        "name of the new checkpoint; may not be that of a bundled one",
        pattern=CHECKPOINT_NAME,
        refusal=NO_CHECKPOINT_NAME,
        on_the_command_line=False,
    )
    folder: str = setting("", 'where it is written; "" for the user\'s checkpoint folder', on_the_command_line=False)
    checkpoint: str = setting(
        DEFAULT_CHECKPOINT,
        "what it starts from: a checkpoint's name or a weights file",
        group=START,
        metavar="NAME|FILE",
    )
    hold_out: int = setting(
        1,
        "subjects held out to watch the run and to score it: the last of the list; with a single subject a block of"
        " slices is held out instead",
        group=START,
        least=0,
        metavar="N",
    )
    leave_one_out: bool = setting(False, "a run without each subject, then a final one with all", group=START)
    bias_correction: bool = setting(True, "correct the bias field (N4) of both scans first", group=START)
    skull_strip: str = setting("auto", "how the brains are found", group=START, metavar="auto|none|BACKEND")
    learning_rate: float = setting(
        0.0, "highest learning rate", group=TRAINING, least=0, most=0.1, zero="automatic", metavar="RATE"
    )
    steps: int = setting(0, "optimiser steps at most", group=TRAINING, least=0, zero="automatic", metavar="N")
    batch: int = setting(0, "patches per step", group=TRAINING, least=0, zero="automatic", metavar="N")
    patch: int = setting(
        0, "size of a patch in pixels of the 3T slice", group=TRAINING, least=0, zero="automatic", metavar="N"
    )
    validate_every: int = setting(
        0, "steps between two validations", group=TRAINING, least=0, zero="automatic", metavar="N"
    )
    patience: int = setting(
        0, "validations without gain after which it stops", group=TRAINING, least=0, zero="automatic", metavar="N"
    )
    seed: int = setting(0, "seed of patches and their order", group=TRAINING, least=0, metavar="N")
    device: str = setting(
        "auto", "where to compute", group=MACHINE, pattern=DEVICE, metavar=DEVICE_METAVAR, refusal=NO_DEVICE
    )
    precision: str = setting("auto", "number format", group=MACHINE, choices=TRAINING_PRECISIONS)
    overwrite: bool = setting(False, "replace an existing checkpoint", on_the_command_line=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.patch < SMALLEST_PATCH:
            raise SettingsError(f"The patch must have at least {SMALLEST_PATCH} pixels, not {self.patch}.")
