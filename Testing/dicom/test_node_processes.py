"""The node as a process: killed at any moment, ended politely, and between an Orthanc and itself."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from CHARMSSRLib.dicom.node.inbox import status_of
from Testing.dicom.hospital import headers, voxels, write_series
from Testing.dicom.node_parts import PATIENCE, Archive, RunningNode, events, program, store, wait_until

HERE = Path(__file__).parent
# 20 for the figure that the documents give (it takes minutes); the moments are drawn from the seed.
KILLS = int(os.environ.get("CHARMSSR_KILLS", "3"))
SEED = int(os.environ.get("CHARMSSR_SEED", "7"))
COUNT = int(os.environ.get("CHARMSSR_SLICES", "24"))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def environment():
    return {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def archive():
    one = Archive().start()
    yield one
    one.stop()


def test_kills_at_random_moments_lose_and_double_nothing(tmp_path, archive):
    port, inbox = free_port(), tmp_path / "inbox"
    command = [sys.executable, str(HERE / "node_process.py"), str(inbox), str(port)]
    command += [f"PACS@127.0.0.1:{archive.port}", "2"]
    names = [f"k{number}" for number in range(3)]
    unsent = {name: headers(voxels(COUNT), name=name) for name in names}
    over = threading.Event()

    def scanner():
        """Sends again whatever was not acknowledged, as scanners do."""
        while any(unsent.values()) and not over.is_set():
            for name in names:
                statuses = store(port, unsent[name][:9]) or [] if unsent[name] else []
                taken = {index for index, status in enumerate(statuses) if status == 0}
                unsent[name] = [one for index, one in enumerate(unsent[name]) if index not in taken]
            time.sleep(0.1)

    thread = threading.Thread(target=scanner)
    thread.start()
    moments = random.Random(SEED)
    try:
        for _ in range(KILLS):
            with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE) as process:
                assert process.stdout.readline() == b"started\n"
                time.sleep(moments.uniform(0, 2.5))
                process.kill()
        with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as process:
            wait_until(lambda: len(list((inbox / "done").glob("*.json"))) == len(names), f"the end {events(inbox)}")
            process.terminate()
            assert process.wait(PATIENCE) == 0
    finally:
        over.set()
        thread.join()
    assert len(archive.objects) == len(names) * COUNT
    by_series = {}
    for one in archive.objects.values():
        by_series.setdefault(one.SeriesInstanceUID, set()).add(int(one.InstanceNumber))
    assert list(by_series.values()) == [set(range(1, COUNT + 1))] * len(names)
    assert status_of(inbox)["held"] == {}
    # What was sent again, because its acknowledgement was lost with the process, is one at most for each kill.
    assert sum(archive.count.values()) - len(archive.objects) <= KILLS


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
@pytest.mark.parametrize("state", ["received", "enhancing", "half sent"])
def test_a_restart_goes_on_in_every_state(tmp_path, archive, state, how):
    inbox, port, gate = tmp_path / "inbox", free_port(), threading.Event()

    def command(quiet, enhancing=0.0):
        line = [sys.executable, str(HERE / "node_process.py"), str(inbox), str(port), f"PACS@127.0.0.1:{archive.port}"]
        return subprocess.Popen([*line, str(quiet), str(enhancing)], env=environment(), stdout=subprocess.PIPE)

    def slow(number):
        if state == "half sent" and number >= 5:
            gate.wait(PATIENCE)
        return 0

    archive.answer = slow
    there = {
        "received": lambda: status_of(inbox)["receiving"],
        "enhancing": lambda: list((inbox / "jobs").glob("*/attempt-*")),
        "half sent": lambda: len(archive.objects) >= 5,
    }[state]
    with command(3600 if state == "received" else 0.3, 3600 if state == "enhancing" else 0) as process:
        assert process.stdout.readline() == b"started\n"
        assert store(port, headers(voxels(16))) == [0] * 16
        wait_until(there, state)
        process.send_signal(how)
        gate.set()
        assert process.wait(PATIENCE) == (0 if how is signal.SIGTERM else -signal.SIGKILL)
    with command(0.3) as process:
        wait_until(lambda: status_of(inbox)["finished"] == 1, f"the end {events(inbox)}")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert len(archive.objects) == 16 and status_of(inbox)["held"] == {}
    assert sum(archive.count.values()) <= 17  # the one in flight, whose answer the killed node did not see
    # A node that was killed has no line of its end, one that was stopped has.
    assert len(events(inbox, "stopped")) == (2 if how is signal.SIGTERM else 1)


def test_the_command_serves_with_the_network_and_ends_politely(tmp_path, archive):
    inbox = tmp_path / "inbox"
    port = free_port()
    command = [sys.executable, "-m", "CHARMSSRLib", "node", "--forward", f"PACS@127.0.0.1:{archive.port}"]
    command += ["--inbox", str(inbox), "--port", str(port), "--quiet-time", "0.5", "--skull-strip", "none"]
    command += ["--no-bias-correction", "--keep-skull", "--data-consistency", "none", "--mark"]
    with subprocess.Popen(command, env=environment(), cwd=HERE.parents[1], stderr=subprocess.PIPE) as process:
        try:
            assert b"listens on 127.0.0.1" in process.stderr.readline()
            assert store(port, headers(voxels(16))) == [0] * 16
            wait_until(lambda: events(inbox, "sent"), "sending")
            status = subprocess.run([*command[:4], "--status", "--inbox", str(inbox)], env=environment(),
                                    cwd=HERE.parents[1], capture_output=True, text=True)  # fmt: skip
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert json.loads(status.stdout)["finished"] == 1 and json.loads(status.stdout)["running"]
    assert not status_of(inbox)["running"] and events(inbox)[-1]["event"] == "stopped"
    assert len(archive.objects) == 16
    one = next(iter(archive.objects.values()))
    assert "charms-x2-clinical" in one.DerivationDescription and (one.Rows, one.Columns) == (80, 72)


def ask(port, path, data=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=None if data is None else data.encode())
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


def orthanc_answers(port):
    try:
        return bool(ask(port, "/system"))
    except OSError:
        return False


def test_a_series_goes_from_an_orthanc_through_the_node_and_back(tmp_path):
    orthanc, storescu = program("Orthanc"), program("storescu")
    web, dicom = free_port(), free_port()
    node = RunningNode(tmp_path / "inbox", f"ORTHANC@127.0.0.1:{dicom}", callers="ORTHANC")
    settings = {
        "Name": "PACS", "StorageDirectory": str(tmp_path / "store"), "IndexDirectory": str(tmp_path / "store"),
        "HttpPort": web, "DicomPort": dicom, "DicomAet": "ORTHANC", "RemoteAccessAllowed": False, "Plugins": [],
        "AuthenticationEnabled": False, "DicomModalities": {"node": ["CHARMSSR", "127.0.0.1", node.port]},
    }  # fmt: skip
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    write_series(tmp_path / "in", voxels(COUNT))
    with subprocess.Popen([orthanc, str(tmp_path / "orthanc.json")], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: orthanc_answers(web), "Orthanc's start")
            command = [storescu, "-aec", "ORTHANC", "127.0.0.1", str(dicom), "+sd", str(tmp_path / "in")]
            assert subprocess.run(command).returncode == 0
            (source,) = ask(web, "/series")
            for _ in range(2):  # sent twice by mistake
                assert ask(web, "/modalities/node/store", source)["FailedInstancesCount"] == 0
            node.wait_for("sent")
            found = {one: ask(web, f"/series/{one}") for one in ask(web, "/series")}
            (result,) = set(found) - {source}
            assert len(ask(web, "/studies")) == len(ask(web, "/patients")) == 1
            assert len(found[result]["Instances"]) == len(found[source]["Instances"]) == COUNT
            assert found[result]["MainDicomTags"]["SeriesDescription"].endswith("CHARMS x2, research only")
            # What comes back as a result is held, not enhanced once more.
            ask(web, "/modalities/node/store", result)
            assert node.wait_for("held")[0]["reason"] == "a result of this software"
            assert len(ask(web, "/series")) == 2
        finally:
            process.terminate()
            node.stop()
