"""One series of the node, enhanced in a process of its own: ``python -m CHARMSSRLib.cli.node_job ORDER ANSWER``."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from ..errors import Cancelled, CHARMSSRError
from ..settings import DICOMSettings, EnhancementSettings
from ..task import Task
from .interruption import Interruption
from .one_volume import VolumeJob


def main(order_path: Path | str, answer_path: Path | str) -> int:
    """Do what the order (JSON) says; write a report, an error or an accident as the answer."""
    from ..dicom.node.privacy import keep_values_out_of_logs

    threading.Thread(target=_end_with_the_node, daemon=True).start()
    keep_values_out_of_logs()
    order = json.loads(Path(order_path).read_text(encoding="utf-8"))
    answer: dict[str, Any]
    try:
        job = VolumeJob(
            input=Path(order["input"]),
            output=Path(order["output"]),
            settings=EnhancementSettings.from_dict(order["settings"]),
            dicom=DICOMSettings.from_dict(order["dicom"]),
        )
        with Interruption() as interruption:
            job.check_outputs()
            answer, status = {"report": job.run(Task(is_cancelled=interruption.is_cancelled))}, 0
    except Cancelled:
        return 130
    except CHARMSSRError as error:
        answer, status = {"error": str(error), "kind": type(error).__name__}, 2
    except Exception as error:
        answer, status = {"accident": f"{type(error).__name__}: {error}", "kind": type(error).__name__}, 1
    from ..files.output_files import plain

    temporary = Path(f"{answer_path}.part")
    temporary.write_text(json.dumps(plain(answer)), encoding="utf-8")
    os.replace(temporary, answer_path)
    return status


def _end_with_the_node():
    """The node holds the other end of standard input; it closes when the node dies, however it dies."""
    # Unbuffered: a buffer's lock, held by this thread, would stop the interpreter from ending.
    while os.read(0, 1):
        pass
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
