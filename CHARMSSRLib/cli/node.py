"""``charmssr node``: a node of the hospital's network between scanner and archive."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .. import errors
from ..errors import SettingsError
from ..settings import DICOMSettings, EnhancementSettings, NodeSettings
from .command import new_command
from .interruption import Interruption
from .options import add_enhancement_options, add_options, check_early, settings_from, values_of

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Receive DICOM series (C-STORE, C-ECHO), enhance those that the rules allow, and send the results to an archive as
series of the same study. Whatever is received is on the disk before it is acknowledged; a node that was killed goes
on where it was. What is held, and why, tells: charmssr node --status --inbox FOLDER
"""
_EPILOG = """\
examples:
  charmssr node --forward PACS@pacs.local:104 --bind 0.0.0.0 --callers MR1,PACS --rules rules.json
  charmssr node --status --inbox charmssr-inbox
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "node",
        run,
        help="receive series from a scanner or archive, send results back",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("--status", action="store_true", help="tell what the inbox of a node holds, as JSON, and end")
    parser.add_argument(
        "--rules", metavar="FILE.json", type=Path, help="which series are enhanced (default: MR volumes)"
    )
    add_options(parser, NodeSettings)
    add_options(parser, DICOMSettings)
    add_enhancement_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Run the subcommand."""
    from ..dicom.node.inbox import status_of
    from ..dicom.node.node import Node
    from ..dicom.node.privacy import keep_values_out_of_logs

    settings = NodeSettings(**values_of(arguments, NodeSettings))
    if arguments.status:
        print(json.dumps(status_of(Path(settings.inbox)), indent=1))
        return
    if not settings.forward:
        raise SettingsError("Say where results go: --forward TITLE@HOST:PORT.")
    if arguments.maps:
        raise SettingsError("A node writes no maps; leave out --maps.")
    from ..dicom.node.rules import read_rules

    enhancement = settings_from(arguments)
    check_early(enhancement)
    rules = None if arguments.rules is None else read_rules(arguments.rules)
    for rule in rules or ():
        check_early(EnhancementSettings.from_dict({**asdict(enhancement), **rule.settings}))
    keep_values_out_of_logs()
    jobs = JobProcess(enhancement, DICOMSettings(**values_of(arguments, DICOMSettings)))
    with Interruption() as interruption:
        node = Node(settings, rules, jobs)
        node.run(interruption.is_cancelled, _started(settings))


def _started(settings):
    def tell(port):
        print(f"charmssr: {settings.aet} listens on {settings.bind}:{port}", file=sys.stderr, flush=True)

    return tell


class JobProcess:
    """Enhances a series in a process of its own: its memory, and an accident in it, are not the node's.

    Args:
        enhancement: settings, of which a rule may change some.
        dicom: settings of the written series.
    """

    def __init__(self, enhancement: EnhancementSettings, dicom: DICOMSettings) -> None:
        self._enhancement, self._dicom = enhancement, dicom

    def __call__(self, source, folder, settings, is_stopped):
        """Enhance; see ``Enhance`` of the node."""
        from ..dicom.node.node import Stopped
        from ..dicom.node.privacy import Accident

        order = {
            "input": str(source),
            "output": str(folder),
            "settings": {**asdict(self._enhancement), **settings},
            "dicom": asdict(self._dicom),
        }
        with tempfile.TemporaryDirectory(prefix="charmssr-node-") as place:
            answer = Path(place) / "answer.json"
            (Path(place) / "order.json").write_text(json.dumps(order), encoding="utf-8")
            command = [sys.executable, "-m", f"{__package__}.node_job", str(Path(place) / "order.json"), str(answer)]
            status = _run(command, is_stopped)
            if status is None:
                raise Stopped
            content = json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else {}
        if "error" in content:
            raise getattr(errors, content.get("kind", ""), errors.CHARMSSRError)(content["error"])
        if status != 0 or "report" not in content:
            ended = f"the enhancement ended with status {status}"
            raise Accident(content.get("kind", ended), content.get("accident", ended))
        return content["report"]


def _run(command, is_stopped):
    """Run a job; its exit status, or None where it was stopped. It ends by itself when this process dies."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path[:1]])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr, env=environment) as process:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=0.2)
            if is_stopped():
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=10)
                process.kill()
                return None
