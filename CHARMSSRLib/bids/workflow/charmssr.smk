# The participant level in batches of subjects, then the group level.
#
#   snakemake --snakefile workflow/Snakefile --profile PROFILE --config dataset=DATASET output=OUTPUT parts=40
#
# config: dataset, output; parts (batches, default: one per subject, at most 1000), subjects (labels, default: all),
# options (further options of charmssr bids), cpus, mem_mb and minutes of a batch, command (default: charmssr).
# A batch that runs again does only what is not finished, so --forcerun batch brings in new scans.

import shlex
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

DATASET, OUTPUT = (str(Path(config[key]).resolve()) for key in ("dataset", "output"))
SUBJECTS = [str(label) for label in config.get("subjects") or []]
SUBJECTS = SUBJECTS or sorted(p.name[len("sub-"):] for p in Path(DATASET).glob("sub-*") if p.is_dir())
PARTS = max(1, min(int(config.get("parts", 1000)), len(SUBJECTS)))
COMMAND = config.get("command", "charmssr")
OPTIONS = shlex.join(str(option) for option in config.get("options") or [])
DONE = f"{OUTPUT}/logs/workflow/batch-{{part}}-of-{PARTS}.done"


rule all:
    input:
        f"{OUTPUT}/group.tsv",


rule participants:
    input:
        expand(DONE, part=range(1, PARTS + 1)),


rule batch:
    output:
        touch(DONE),
    params:
        # When subjects join or leave, Snakemake sees other parameters and runs the batch again.
        subjects=lambda wildcards: shlex.join(SUBJECTS[int(wildcards.part) - 1 :: PARTS]),
    threads: int(config.get("cpus", 2))
    resources:
        mem_mb=int(config.get("mem_mb", 6000)),
        slot_mb=-(-int(config.get("mem_mb", 6000)) // int(config.get("cpus", 2))),  # Grid Engine counts per core
        runtime=int(config.get("minutes", 240)),
    retries: 2
    shell:
        # No further try would change what was refused. The group level lists it.
        "{COMMAND} bids {DATASET:q} {OUTPUT:q} participant --skip-bids-validation --accept-refused"
        " --participant-label {params.subjects} --n-cpus {threads} --mem-mb {resources.mem_mb} {OPTIONS}"


rule group:
    input:
        rules.participants.input,
    output:
        f"{OUTPUT}/group.tsv",
    resources:
        mem_mb=2000,
        runtime=60,
    shell:
        "{COMMAND} bids {DATASET:q} {OUTPUT:q} group"
