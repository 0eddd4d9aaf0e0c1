"""The node between scanners and archives, well-behaved ones and others."""

import errno
import json
import shutil
import socket
import subprocess
import threading

import pytest

from CHARMSSRLib.dicom.node import spool as spool_module
from CHARMSSRLib.dicom.node.inbox import status_of
from CHARMSSRLib.errors import InputError, OutputError, SettingsError
from Testing.dicom.hospital import headers, series_uid, voxels, write_series
from Testing.dicom.node_parts import program, repeat_voxels, store, wait_until

COUNT = 16
pytestmark = pytest.mark.usefixtures("short_pauses")


def series(name="t1", count=COUNT, **options):
    return headers(voxels(count), name=name, **options)


def test_a_series_comes_back_to_the_archive_under_its_study(start, archive, dciodvfy, tmp_path):
    node = start()
    sent = series()
    assert store(node.port, sent) == [0] * COUNT
    node.wait_for("sent")
    assert len(archive.objects) == COUNT and set(archive.count.values()) == {1}
    for one in archive.objects.values():
        assert (one.StudyInstanceUID, one.PatientID) == (sent[0].StudyInstanceUID, sent[0].PatientID)
        assert one.SeriesInstanceUID != sent[0].SeriesInstanceUID and (one.Rows, one.Columns) == (80, 72)
    first = next(iter(archive.objects.values()))
    first.file_meta = sent[0].file_meta
    first.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID
    first.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    assert dciodvfy(tmp_path / "one.dcm") == []
    assert status_of(node.folder)["finished"] == 1 and status_of(node.folder)["queued"] == []
    record = (node.folder / "audit.jsonl").read_text(encoding="utf-8")
    for secret in ("Test", "Subject", "T-0001", "19700101", "A0815"):
        assert secret not in record


def test_success_means_that_the_object_is_on_the_disk(start):
    node = start(quiet_time=3600.0)

    def on_the_disk(dataset, status):
        path = node.folder / "receiving" / dataset.SeriesInstanceUID / f"{dataset.SOPInstanceUID}.dcm"
        assert status == 0 and path.stat().st_size > dataset.Rows * dataset.Columns * 2

    store(node.port, series(), after_each=on_the_disk)


def test_what_may_not_leave_is_held_with_a_reason(start, archive):
    node = start()
    kinds = {
        "ct": {"Modality": "CT"},
        "scout": {"SeriesDescription": "localizer"},
        "qa": {"QualityControlImage": "YES"},
    }
    for name, tags in kinds.items():
        store(node.port, series(name, 3, tags=lambda k, tags=tags: tags))
    node.wait_for("held", 3)
    held = status_of(node.folder)["held"]
    assert {held[series_uid(name)] for name in kinds} == {
        "not MR but CT", "a localiser", "a quality control image (phantom)",
    }  # fmt: skip
    assert archive.objects == {}


def test_our_own_results_are_never_enhanced_again(start, archive):
    node = start()
    store(node.port, series())
    node.wait_for("sent")
    results = list(archive.objects.values())
    for one in results:
        one.file_meta = series(count=1)[0].file_meta
    store(node.port, results)
    assert node.wait_for("held")[0]["reason"] == "a result of this software"


@pytest.mark.parametrize("title, called", [("SCANNER", "OTHER"), ("STRANGER", "CHARMSSR")])
def test_strangers_and_wrong_titles_are_rejected(start, title, called):
    node = start(callers="SCANNER, PACS")
    assert store(node.port, series(count=1), title=title, called=called) is None
    assert store(node.port, series(count=1)) == [0]


@pytest.mark.filterwarnings("ignore")
def test_identifiers_that_are_no_identifiers_never_become_names(start, tmp_path):
    node = start(quiet_time=3600.0)
    before = {path for path in tmp_path.rglob("*") if "inbox" not in path.parts}
    names = ["../../../etc/x", "1.2/../../y", "1..2", "1.02.3"]
    wrong = [("SeriesInstanceUID", name) for name in (*names, "9" * 70, "")] + [
        ("SOPInstanceUID", name) for name in names
    ]
    for keyword, name in wrong:
        (one,) = series(count=1)
        one[keyword].value = name
        assert store(node.port, [one]) in ([0xC000], [0xA900], [None]), name
    assert {path for path in tmp_path.rglob("*") if "inbox" not in path.parts} == before
    assert list((node.folder / "receiving").iterdir()) == []


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\xff\xff\xff\xff" + b"\0" * 64, b"\x04\x00", b""]
)
def test_a_peer_that_sends_nonsense_disturbs_nobody(start, noise):
    node = start(quiet_time=3600.0)
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        connection.sendall(noise)
        assert store(node.port, series(count=2)) == [0, 0]


def test_beyond_its_bounds_the_node_answers_out_of_resources(start):
    node = start(quiet_time=3600.0, most_series=2)
    assert store(node.port, series("a", 1)) == store(node.port, series("b", 1)) == [0]
    assert store(node.port, series("c", 1)) == [0xA700]
    assert store(node.port, series("a", 2)) == [0, 0]
    node.stop()
    small = start(quiet_time=3600.0, most_gigabytes=0.0001, inbox=node.folder.parent / "small")
    statuses = store(small.port, headers(voxels(40), name="many"))
    taken = statuses.count(0)
    assert 10 < taken < 40 and statuses == [0] * taken + [0xA700] * (40 - taken)


def test_a_full_disk_is_answered_as_such_and_leaves_nothing(start, monkeypatch):
    node = start(quiet_time=3600.0)

    def full(path, *parts):
        path.write_bytes(parts[0][:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool_module, "write_flushed", full)
    assert store(node.port, series(count=1)) == [0xA700]
    monkeypatch.undo()
    assert list((node.folder / "receiving").iterdir()) == []
    assert store(node.port, series(count=1)) == [0]


def test_an_archive_that_is_away_gets_everything_when_it_is_back(start, archive):
    port = archive.port
    archive.stop()
    node = start()
    store(node.port, series())
    pauses = [one["again_in_seconds"] for one in node.wait_for("not sent", 3)]
    assert pauses[:3] == [0.1, 0.2, 0.4]
    archive.start(port)
    node.wait_for("sent")
    assert len(archive.objects) == COUNT and set(archive.count.values()) == {1}


@pytest.mark.parametrize("trouble", [None, 0xA700])
def test_an_archive_that_goes_away_in_the_middle_gets_the_rest_later_and_nothing_twice(start, archive, trouble):
    answers = iter([0] * 5 + [trouble] + [0] * 3 + [trouble])
    archive.answer = lambda number: next(answers, 0)
    node = start()
    store(node.port, series())
    node.wait_for("sent")
    assert len(archive.objects) == COUNT and set(archive.count.values()) == {1}
    assert len(node.events("not sent")) == 2


def test_an_archive_that_refuses_an_object_for_good_has_the_series_held(start, archive):
    archive.answer = lambda number: 0xA900
    node = start()
    store(node.port, series())
    assert "0xA900" in node.wait_for("held")[0]["reason"]
    assert len(status_of(node.folder)["held"]) == 1


def test_a_series_that_is_sent_twice_makes_no_second_result(start, archive):
    node = start()
    store(node.port, series())
    store(node.port, series())
    node.wait_for("sent")
    store(node.port, series())
    node.wait_for("dropped")
    assert len(archive.objects) == COUNT and set(archive.count.values()) == {1}
    assert len(node.events("enhanced")) == 1


def test_half_a_series_waits_for_the_rest(start, archive):
    node = start()
    whole = series(count=20)
    store(node.port, whole[:7] + whole[9:])
    assert node.wait_for("held")[0]["reason"].startswith("incomplete")
    store(node.port, whole[7:9])
    node.wait_for("sent")
    assert len(archive.objects) == 20


def test_a_transfer_that_broke_off_is_given_more_time(start):
    node = start(quiet_time=1.0)
    whole = series(count=20)

    def break_off(dataset, status):
        if dataset is whole[16]:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        store(node.port, whole, after_each=break_off)
    # The thread of the broken association ends with its socket.
    wait_until(lambda: sum(1 for _ in (node.folder / "receiving").rglob("*.dcm")) >= 17)
    store(node.port, whole[17:])
    event = node.wait_for("queued")[0]
    assert event["images"] == 20


def test_ten_associations_at_once_lose_nothing(start, archive):
    node = start()
    threads = [threading.Thread(target=store, args=(node.port, series(f"s{number}"))) for number in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    node.wait_for("sent", 10)
    assert len(archive.objects) == 10 * COUNT and set(archive.count.values()) == {1}
    assert len({one.SeriesInstanceUID for one in archive.objects.values()}) == 10


def test_a_series_that_cannot_be_enhanced_is_held_and_an_accident_is_tried_again(start, archive):
    calls = []

    def enhance(source, folder, settings, is_stopped):
        calls.append(source)
        if len(calls) == 1:
            raise RuntimeError("killed for its memory")
        if "52" in source.parent.name[-4:]:
            raise InputError("too small")
        return repeat_voxels(source, folder, settings, is_stopped)

    node = start(enhance=enhance)
    store(node.port, series("a"))
    node.wait_for("sent")
    assert len(node.events("failed")) == 1
    store(node.port, series("b" + chr(52)))
    assert node.wait_for("held")[0]["reason"] == "too small"


def test_two_nodes_never_share_an_inbox_and_settings_are_checked(start, tmp_path):
    node = start()
    with pytest.raises(OutputError, match="Another node"):
        start()
    with pytest.raises(SettingsError, match="TITLE@HOST:PORT"):
        start(forward="PACS", inbox=tmp_path / "b")
    with pytest.raises(SettingsError, match="'A_TITLE_THAT_IS_TOO_LONG'"):
        start(callers="MR1, A_TITLE_THAT_IS_TOO_LONG", inbox=tmp_path / "b")
    with pytest.raises(SettingsError, match="TLS"):
        start(tls_certificate=str(tmp_path / "none.pem"), inbox=tmp_path / "c")
    with pytest.raises(OutputError, match="no inbox"):
        status_of(tmp_path)
    assert status_of(node.folder)["running"]


def test_certificates_encrypt_both_sides_and_strangers_cannot_connect(start, archive, tmp_path):
    openssl = program("openssl")
    pem, key = tmp_path / "own.pem", tmp_path / "own.key"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    from CHARMSSRLib.dicom.node.tls import client_security, server_security

    files = (str(pem), str(key), str(pem))
    archive.stop()
    archive.port = 0
    archive.start(security=server_security(*files))
    node = start(tls_certificate=files[0], tls_key=files[1], tls_authority=files[2],
                 forward=f"PACS@127.0.0.1:{archive.port}")  # fmt: skip
    assert store(node.port, series(count=1)) is None
    assert store(node.port, series(), tls_args=(client_security(*files), "127.0.0.1")) == [0] * COUNT
    node.wait_for("sent")
    assert len(archive.objects) == COUNT


def test_the_tools_of_dcmtk_talk_to_the_node(start, tmp_path, dciodvfy):
    storescp, storescu, echoscu = (program(name) for name in ("storescp", "storescu", "echoscu"))
    write_series(tmp_path / "in", voxels(COUNT))
    (tmp_path / "back").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([storescp, "-aet", "PACS", "-od", str(tmp_path / "back"), str(port)]) as scp:
        try:
            node = start(forward=f"PACS@127.0.0.1:{port}")
            assert subprocess.run([echoscu, "-aec", "CHARMSSR", "127.0.0.1", str(node.port)]).returncode == 0
            command = [storescu, "-aec", "CHARMSSR", "127.0.0.1", str(node.port), "+sd", str(tmp_path / "in")]
            assert subprocess.run(command).returncode == 0
            node.wait_for("sent")
        finally:
            scp.terminate()
    files = sorted((tmp_path / "back").iterdir())
    assert len(files) == COUNT
    assert dciodvfy(files[0]) == []


def test_a_node_goes_on_with_what_it_finds(start, archive, tmp_path):
    """What a kill leaves in each of the places is finished by the next node."""
    first = start(quiet_time=3600.0)
    store(first.port, series("a"))
    store(first.port, series("b"))
    first.stop()
    inbox = first.folder
    # A job whose preparation was cut short, an object without its place yet, and half a file.
    prepared = inbox / "jobs" / f".new-{series_uid('b')}"
    prepared.mkdir()
    (prepared / "job.json").write_text(json.dumps({"settings": {}}))
    shutil.move(inbox / "receiving" / series_uid("b"), prepared / "source")
    whole = (inbox / "receiving" / series_uid("a") / f"{series_uid('a')}.1.dcm").read_bytes()
    from CHARMSSRLib.dicom.node.spool import _unsorted_name

    lost = inbox / "receiving" / series_uid("a") / f"{series_uid('a')}.1.dcm"
    lost.rename(inbox / "receiving" / _unsorted_name(series_uid("a"), f"{series_uid('a')}.1", len(whole), [whole]))
    (inbox / "receiving" / _unsorted_name(series_uid("a"), "1.2.3", len(whole), [whole])).write_bytes(whole[:-5])
    second = start(quiet_time=0.1)
    second.wait_for("sent", 2)
    assert len(archive.objects) == 2 * COUNT and set(archive.count.values()) == {1}
    assert not [path for path in inbox.rglob(".*") if path.is_file()]
