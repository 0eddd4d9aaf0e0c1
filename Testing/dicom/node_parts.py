"""A running node, an archive that records what it gets, and scanners; all on 127.0.0.1."""

import json
import os
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pydicom
import pytest
from pynetdicom import AE, AllStoragePresentationContexts, evt

from CHARMSSRLib.dicom.node.node import Node
from CHARMSSRLib.dicom.node.promptness import keep_answers
from CHARMSSRLib.dicom.result_series import add_series
from CHARMSSRLib.files.output_files import OutputFiles
from CHARMSSRLib.files.volumes import read_scan
from CHARMSSRLib.settings import DICOMSettings, EnhancementSettings, NodeSettings
from Testing.dicom.refining import refined

PATIENCE = 120  # seconds that a test waits at most before it fails


def wait_until(holds, what="it"):
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.05)


def repeat_voxels(source, folder, settings, is_stopped):
    """The network's stand-in; reading, checking and writing are the real ones."""
    scan = read_scan(source)
    result = SimpleNamespace(
        image=refined(scan.image), report={"checkpoint": {"name": "any", "sha256": "ab" * 32, "scale": 2}}
    )
    with OutputFiles() as files:
        made = EnhancementSettings.from_dict(settings)
        series = add_series(files, folder, result, scan, source.name, made, DICOMSettings())
        files.commit()
    return {"dicom": series.report()}


class Archive:
    """A storage server that counts the objects it gets.

    Attributes:
        answer: function of the number of objects so far -> status; None aborts the association.
    """

    def __init__(self):
        self.objects, self.count, self.port, self.answer = {}, Counter(), 0, lambda number: 0
        self._server = None

    def start(self, port=0, security=None):
        entity = AE(ae_title="PACS")
        entity.supported_contexts = AllStoragePresentationContexts
        handlers = [(evt.EVT_C_STORE, self._store)]
        self._server = entity.start_server(
            ("127.0.0.1", port or self.port), block=False, evt_handlers=handlers, ssl_context=security
        )
        self.port = self._server.server_address[1]
        return self

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _store(self, event):
        status = self.answer(sum(self.count.values()))
        if status is None:
            event.assoc.abort()
            return 0xC001
        if status == 0:
            dataset = event.dataset
            self.objects[str(dataset.SOPInstanceUID)] = dataset
            self.count[str(dataset.SOPInstanceUID)] += 1
        return status


class RunningNode:
    """A node in a thread of the test's process."""

    def __init__(self, folder, forward, rules=None, enhance=repeat_voxels, **settings):
        settings = {"quiet_time": 0.5, "port": 0, **settings}
        self.folder = Path(folder)
        self.node = Node(NodeSettings(forward=forward, inbox=str(folder), **settings), rules, enhance)
        self._stop = threading.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._started.wait(PATIENCE)
        self.port = self.node.port

    def _run(self):
        self.node.run(self._stop.is_set, lambda port: self._started.set())

    def stop(self):
        self._stop.set()
        self._thread.join()

    def events(self, word=None):
        return events(self.folder, word)

    def wait_for(self, word, count=1):
        wait_until(lambda: len(self.events(word)) >= count, f"the event {word!r} ({self.events()})")
        return self.events(word)


def events(folder, word=None):
    """The record of a node, or the events of one word."""
    path = folder / "audit.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [one for one in found if word in (None, one["event"])]


def store(port, datasets, title="SCANNER", called="CHARMSSR", after_each=None, **secure):
    """Send datasets (or files) one by one; the statuses, or None where the association was not accepted."""
    datasets = [one if isinstance(one, pydicom.Dataset) else pydicom.dcmread(one) for one in datasets]
    entity = AE(ae_title=title)
    for one in {str(one.SOPClassUID): one for one in datasets}.values():
        entity.add_requested_context(one.SOPClassUID, one.file_meta.TransferSyntaxUID)
    association = entity.associate("127.0.0.1", port, ae_title=called, **secure)
    if not association.is_established:
        return None
    keep_answers(association)
    statuses = []
    for one in datasets:
        status = association.send_c_store(one)
        statuses.append(status.get("Status") if status else None)
        if after_each:
            after_each(one, statuses[-1])
        if statuses[-1] is None:
            break
    if association.is_established:
        association.release()
    return statuses


def program(name):
    """Path of a program of a real part; the test is skipped where it is missing."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if path is None:
        pytest.skip(f"{name} is missing (Debian, Ubuntu: sudo apt-get install dcmtk orthanc)")
    return path
