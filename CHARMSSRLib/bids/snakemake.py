"""Runs the participant level by Snakemake: on this machine, on Slurm, or on any cluster, as a profile says."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BackendError

_FOLDER = Path(__file__).parent / "workflow"
SNAKEFILE = _FOLDER / "charmssr.smk"
VERSION = "9"  # the workflow asks for it too
MOST_PARTS = 1000
COMMAND = f"{sys.executable} -m CHARMSSRLib"  # of a batch


def profile_folder(name: str) -> str:
    """The folder of one of our profiles ("local", "slurm", "cluster"); any other name is Snakemake's to find."""
    ours = _FOLDER / "profiles" / name
    return str(ours) if name.isalnum() and ours.is_dir() else name


def snakemake_program() -> str:
    """Path of Snakemake, beside this Python or on the PATH.

    Raises:
        BackendError: it is not installed.
    """
    found = shutil.which("snakemake", path=str(Path(sys.executable).parent)) or shutil.which("snakemake")
    if found is None:
        raise BackendError(
            f'Snakemake is not installed; python -m pip install "snakemake>={VERSION}" (on Slurm also '
            "snakemake-executor-plugin-slurm), or leave out --engine snakemake."
        )
    return found


def _has_accounting() -> bool:
    """Whether Slurm keeps accounts. Snakemake asks these how its jobs are, and without them waits for ever."""
    program = shutil.which("sacct")
    return program is not None and subprocess.run([program, "--noheader", "-X"], capture_output=True).returncode == 0


def run_snakemake(
    dataset: Path,
    output: Path,
    subjects: Sequence[str],
    options: Sequence[str],
    profile: str,
    parts: int,
    resources: dict[str, Any],
) -> int:
    """Run the batches; what they do is seen in the output folder afterwards.

    Args:
        dataset: folder of the raw dataset.
        output: folder of the derivatives.
        subjects: labels.
        options: of ``charmssr bids``, for every batch.
        profile: see ``profile_folder``.
        parts: batches; 0 for one per subject (at most 1000).
        resources: "cpus", "mem_mb" of a batch, where they were asked for.

    Returns:
        Snakemake's exit status.

    Raises:
        BackendError: Snakemake is not installed.
    """
    from ..files.output_files import OutputFiles

    folder = output.resolve() / ".charmssr" / "snakemake"
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "dataset": str(dataset.resolve()),
        "output": str(output.resolve()),
        "subjects": list(subjects),
        "options": list(options),
        "parts": parts or min(len(subjects), MOST_PARTS),
        "command": COMMAND,
        **resources,
    }
    with OutputFiles(overwrite=True) as files:
        files.add_text(json.dumps(config, indent=2), folder / "config.json")
        files.commit()
    command = [snakemake_program(), "participants", "--snakefile", str(SNAKEFILE), "--directory", str(folder)]
    command += ["--configfile", str(folder / "config.json"), "--profile", profile_folder(profile)]
    # A batch does only what is not finished: running it anew is how new scans are noticed. A killed run left no lock.
    command += ["--forcerun", "batch", "--rerun-incomplete", "--nolock"]
    if profile == "slurm" and not _has_accounting():
        command += ["--slurm-status-command", "squeue"]
    return subprocess.run(command, check=False).returncode
