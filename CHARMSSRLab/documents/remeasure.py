"""Measures anew what the documents say of a bundled checkpoint, after its weights have changed.

    python -m CHARMSSRLab.documents.remeasure charms-x2-clinical --data DATA --prepared PREPARED --work FOLDER

runs ``charmssr evaluate`` for each of ``MEASUREMENTS`` (DATA: the volumes; PREPARED: their slices, from ``charmssr
prepare``), copies the results into Resources, writes the gains into the model card and fills the pages. What was
stopped goes on when it is started again with the same FOLDER. ``--only NAME ...`` measures a part; ``--list`` says
which file comes from which command. Apart from these: fine_tuning_proof.py, and the pictures of demo and panel.
"""

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import card_evaluation, card_whole_heads, measured_pages

REPOSITORY = Path(__file__).resolve().parents[2]
RESOURCES = REPOSITORY / "Resources"
CARDS = REPOSITORY / "CHARMSSRLib" / "checkpoints"
SLICES = 12  # of each volume, for the gains of a model card
WHOLE_HEADS = (
    "--split val,check --subject ds000011_sub-04 ds000011_sub-08 ARC_M2304 ARC_M2265 openMS_long_04 Seg3D_electrodes"
)
THREE_HEADS = "--split val --subject ds000011_sub-04 ARC_M2304 ARC_M2265"
SIX_HEADS = (
    "--split val --subject ds002748_sub-04 ds002748_sub-08 ds002748_sub-14 ds002748_sub-18 ds000011_sub-04 ARC_M2304"
)
PATIENTS = "--split val,check --subject ARC_M2304 ARC_M2265 VRD_stroke --planes acquisition --slices 80"


@dataclass(frozen=True)
class Measurement:
    """One call of ``charmssr evaluate`` and what is kept of it.

    Attributes:
        name: of the measurement.
        checkpoint: which one it is of.
        options: of the command, behind ``--data``.
        kept: written file -> file under Resources.
        of_slices: whether it reads prepared slices instead of volumes.
    """

    name: str
    checkpoint: str
    options: str
    kept: dict = field(default_factory=dict)
    of_slices: bool = False

    def command(self, data, folder):
        """Arguments of ``charmssr``, with results in ``folder``."""
        outputs = [folder / name for name in self.kept] if self.of_slices else [folder]
        words = (word for one in outputs for word in ("--output", str(one)))
        return ["evaluate", self.checkpoint, "--data", str(data), *self.options.split(), *words]


def _study(name, study, options, checkpoint="charms-x2-clinical", pictures=None):
    kept = {f"{study}.json": f"whole-volumes/{name}.json", **(pictures or {})}
    return Measurement(name, checkpoint, f"--study {study} {options}", kept)


def _gains(checkpoint):
    kept = {f"{checkpoint}.{ending}": f"comparison/checkpoints/{checkpoint}.{ending}" for ending in ("csv", "md")}
    options = f"--slices {SLICES} --first-plane --degradation bicubic kspace blur clinical"
    return Measurement("gains", checkpoint, options, kept, of_slices=True)


MEASUREMENTS = (
    *(_gains(f"charms-x{scale}-{kind}") for scale in (2, 4) for kind in ("clinical", "bicubic")),
    _study("planes", "planes", "--split val,check"),
    _study("planes-averaged", "planes", "--split val,check --slices 64 --coarse bicubic"),
    _study("planes-noisy", "planes", "--split val --slices 64 --noise 0.03"),
    _study("planes-x4", "planes", "--split val --slices 64", "charms-x4-clinical"),
    _study("consistency", "consistency", "--split val --slices 16 --planes acquisition"),
    _study("consistency-three", "consistency", "--split val --slices 32 --planes three"),
    _study("maps", "maps", "--split val --slices 64", pictures={"maps.png": "maps.png"}),
    _study("lesions", "lesions", "--split val --slices 80"),
    _study("lesions-train-FLAIR", "lesions", "--split train --contrast FLAIR --planes acquisition"),
    _study("lesions-train-T2w", "lesions", "--split train --contrast T2w --planes acquisition"),
    _study("noise", "noise", "--split val --denoise 0"),
    _study("noise-default", "noise", "--split val"),
    _study("banding", "banding", "--split val --slices 32 --planes axial coronal sagittal three"),
    _study("banding-picture", "banding", "--split val --contrast T2w --limit 1 --slices 128",
           pictures={"banding-ARC_M2265_T2w.png": "bands.png"}),
    _study("whole-heads", "whole-heads", f"{WHOLE_HEADS} --degradation kspace clinical --slices 40"),
    _study("whole-heads-bicubic", "whole-heads", f"{WHOLE_HEADS} --degradation bicubic", "charms-x2-bicubic"),
    _study("whole-heads-x4", "whole-heads", f"{WHOLE_HEADS} --degradation kspace --slices 40", "charms-x4-clinical"),
    *(_study(f"whole-heads-{name}-{quality}", "whole-heads",
             f"{heads} --degradation kspace --slices 16 --quality {quality}", f"charms-{name}-clinical")
      for name, heads in (("x2", THREE_HEADS), ("x4", WHOLE_HEADS)) for quality in ("plain", "best")),
    _study("natively", "natively", "--split val,check --slices 32"),
    _study("natively-x4", "natively", "--split val --subject ARC_M2304 ds000011_sub-04 ARC_M2265 --slices 32",
           "charms-x4-clinical"),
    _study("tissue", "tissue", "--split val,check --contrast T1w --slices 16"),
    *(_study(f"lesions-denoise-{share}", "lesions", f"{PATIENTS} --denoise {share}") for share in ("0", "auto", "100")),
    _study("thick-slices", "thick-slices", "--split val,check --slices 80"),
    _study("resolution", "resolution", SIX_HEADS),
    _study("zero-filled", "zero-filled", SIX_HEADS),
    _study("checkpoints", "checkpoints", f"{SIX_HEADS} --denoise 70"),
)  # fmt: skip


def measure(one, data, folder):
    """Run one measurement and copy what is kept of it."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "CHARMSSRLab", *one.command(data, folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    for written, kept in one.kept.items():
        shutil.copyfile(folder / written, RESOURCES / kept)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = list(dict.fromkeys(one.checkpoint for one in MEASUREMENTS))
    parser.add_argument("checkpoint", choices=known)
    parser.add_argument("--data", metavar="DATA", help="folder with manifest.csv and volumes")
    parser.add_argument("--prepared", metavar="PREPARED", help="folder of 'charmssr prepare'")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="for results; kept")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of measurements (see --list)")
    parser.add_argument("--list", action="store_true", help="print the commands; measure nothing")
    arguments = parser.parse_args()
    own = [one for one in MEASUREMENTS if one.checkpoint == arguments.checkpoint]
    unknown = set(arguments.only or ()) - {one.name for one in own}
    if unknown:
        parser.error(f"{arguments.checkpoint} has no measurement {sorted(unknown)}; see --list")
    own = [one for one in own if arguments.only is None or one.name in arguments.only]
    if arguments.list:
        for one in own:
            command = " ".join(one.command("PREPARED" if one.of_slices else "DATA", Path("FOLDER")))
            print(f"{one.name}: charmssr {command}\n    -> {', '.join(one.kept.values())}")
        return
    if None in (arguments.data, arguments.prepared, arguments.work):
        parser.error("--data, --prepared and --work are needed")
    for one in own:
        print(f"{one.name} ...", flush=True)
        measure(one, arguments.prepared if one.of_slices else arguments.data, arguments.work.resolve() / one.name)
        if one.name == "gains":
            table = RESOURCES / one.kept[f"{one.checkpoint}.csv"]
            card_evaluation.write(table, CARDS / f"{one.checkpoint}.json", SLICES)
    card_whole_heads.write()
    measured_pages.write()


if __name__ == "__main__":
    main()
