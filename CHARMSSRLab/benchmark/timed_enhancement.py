"""One enhancement from file to file in a process of its own: ``python -m ... timed_enhancement SPECIFICATION``.

The specification is JSON: "way" ("enhance" or "naive"), "input", "output" (paths), "checkpoint",
"skull_strip", "device", "slices" (of the naive way, or null), "clock" (see ``costs.clocks``). Writes one JSON object
per line to standard output: progress, and at the end the figures. What ``enhance`` does without torch is timed
without it.
"""

import json
import sys
import time

from CHARMSSRLib.enhancement import stages as stages_of_enhancement
from CHARMSSRLib.enhancement.enhance import enhance
from CHARMSSRLib.enhancement.stages import Stages
from CHARMSSRLib.errors import CHARMSSRError
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.machine.cores import computing_threads
from CHARMSSRLib.machine.memory import peak_memory
from CHARMSSRLib.preprocessing import pipeline
from CHARMSSRLib.settings import EnhancementSettings
from CHARMSSRLib.task import Task

from ..costs.clocks import PROCESSOR

ENHANCE, NAIVE = "enhance", "naive"


def main(text):
    """Do the job; returns the figures."""
    specification = json.loads(text)
    if specification.get("clock") == PROCESSOR:
        stages_of_enhancement.clock = pipeline.clock = time.process_time
    stages = Stages()
    with stages("read"):
        image = read_volume(specification["input"])
    way = {ENHANCE: _enhance, NAIVE: _naive}[specification["way"]]
    result, figures = way(image, specification, stages)
    with stages("write"):
        write_volume(result, specification["output"], overwrite=True)
    return {
        **figures, "stages": stages.seconds, "peak_bytes": peak_memory("cpu")["host"], "threads": computing_threads(),
        "processor_seconds": time.process_time(),
    }  # fmt: skip


def _enhance(image, specification, stages):
    settings = EnhancementSettings(
        checkpoint=specification["checkpoint"], skull_strip=specification["skull_strip"],
        device=specification["device"], resolution="stated",
    )  # fmt: skip
    result = enhance(image, settings, progress=_tell)
    stages.seconds.update(result.report["stages"])
    kept = ("slices", "skull_strip", "warnings", "checkpoint", "device", "precision", "engine")
    return result.image, {key: result.report[key] for key in kept if key in result.report}


def _naive(image, specification, stages):
    from CHARMSSRLib.checkpoints.loading import load_checkpoint

    from .naive import enhance_naively

    with stages("model"):
        checkpoint = load_checkpoint(specification["checkpoint"])
    result, done, count = enhance_naively(
        image, checkpoint, stages, specification["skull_strip"], specification["slices"], Task(_tell)
    )
    return result, {"slices": {"done": done, "count": count}}


def _tell(fraction, message):
    print(json.dumps({"fraction": fraction, "message": message}), flush=True)


if __name__ == "__main__":
    try:
        print(json.dumps({"figures": main(sys.argv[1])}), flush=True)
    except CHARMSSRError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        sys.exit(2)
