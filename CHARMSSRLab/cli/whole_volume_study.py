"""The options of ``charmssr evaluate`` for studies of whole volumes, and what they start."""

from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.progress import ProgressLine
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.settings import AUTOMATIC, PLANES, QUALITIES, EnhancementSettings
from CHARMSSRLib.settings_table import settings_of

from ..whole_volume.registry import MODULES


def add_study_options(parser):
    """Register the options that come with ``--study``."""
    options = parser.add_argument_group(
        "whole volumes", "studies on whole volumes instead of slices; --output is then an existing folder, and --split"
        " may name several, separated by commas. A study that was stopped goes on when it is started again"
    )  # fmt: skip
    options.add_argument("--study", choices=tuple(MODULES), help="what to study")
    options.add_argument("--planes", nargs="+", choices=PLANES, help="ways of enhancing (default: the study's own)")
    options.add_argument("--noise", type=float, default=0.0, metavar="SD", help="noise on the degraded volume, per unit"
                         " of the intensity range (default: none)")  # fmt: skip
    options.add_argument("--coarse", choices=("kspace", "bicubic"), default="kspace", help="how study 'planes' makes"
                         " its volumes coarse (default: %(default)s)")  # fmt: skip
    options.add_argument("--box", type=int, metavar="N", help="only the central cube of N voxels, for a quick look")
    noise, qualities = settings_of(EnhancementSettings)["denoise"][0], QUALITIES
    options.add_argument("--denoise", default=AUTOMATIC, metavar=noise.metavar, help=f"{noise.help} (default: auto)")
    options.add_argument("--quality", choices=qualities, default=qualities[0], help="(default: %(default)s)")
    options.add_argument("--subject", nargs="+", default=[], metavar="NAME", help="only volumes of these subjects")
    options.add_argument("--limit", type=int, metavar="N", help="only the first N volumes")


def run_whole_volume_study(arguments):
    """Run a study and say where its report is."""
    from CHARMSSRLib.checkpoints.loading import load_checkpoint
    from CHARMSSRLib.checkpoints.noise_control import share_of
    from CHARMSSRLib.checkpoints.registry import read_card
    from CHARMSSRLib.files.output_files import check_folder
    from CHARMSSRLib.machine.devices import choose_device

    from ..whole_volume.registry import load_study
    from ..whole_volume.study_of_volumes import Selection, Setup, run_study

    if len(arguments.output) != 1:
        raise SettingsError("A study writes several files: give one --output, an existing folder.")
    folder = arguments.output[0]
    check_folder(folder)
    study = load_study(arguments.study)
    setup = Setup(
        arguments.checkpoint, str(choose_device(arguments.device)), arguments.noise, arguments.box,
        tuple(arguments.planes or study.planes), arguments.coarse, str(folder), arguments.slices, arguments.denoise,
        arguments.quality, tuple(arguments.degradation or ()),
    )  # fmt: skip
    selection = Selection(
        tuple(arguments.split.split(",")), arguments.contrast, arguments.limit, arguments.skull_strip,
        tuple(arguments.subject),
    )  # fmt: skip
    share = share_of(read_card(arguments.checkpoint), arguments.denoise)
    checkpoint = load_checkpoint(arguments.checkpoint, denoise=share)
    with Interruption() as interruption, ProgressLine() as progress:
        run_study(study, arguments.data, folder, checkpoint, setup, selection, progress, interruption.is_cancelled)
    print(folder / f"{study.name}.md")
