"""Full disks, torn files, foreign folders, odd headers: the node goes on, and tells nothing about patients."""

import errno
import json
import logging
import os
import threading
import time
import types

import pytest

from CHARMSSRLib.cli import node as command
from CHARMSSRLib.dicom.node.audit import Audit
from CHARMSSRLib.dicom.node.inbox import lock_inbox, make_inbox, status_of
from CHARMSSRLib.dicom.node.privacy import Accident, keep_values_out_of_logs, kind_of, without_patient
from CHARMSSRLib.errors import BackendError, InputError, OutputError
from CHARMSSRLib.settings import DICOMSettings, EnhancementSettings
from Testing.dicom.hospital import headers, series_uid, voxels
from Testing.dicom.node_parts import events, repeat_voxels, store, wait_until

COUNT = 16
PATIENT = {"PatientName": "Zzname^Qqgiven", "PatientID": "PID4711X", "SeriesDescription": "T1 Zzname",
           "StudyDescription": "Head of Qqgiven", "AccessionNumber": "ACC99", "PatientBirthDate": "19111111",
           "ReferringPhysicianName": "Doktorwho"}  # fmt: skip
SECRETS = ("zzname", "qqgiven", "pid4711", "acc99", "19111111", "doktorwho")
pytestmark = pytest.mark.usefixtures("short_pauses")


def series(name="t1", count=COUNT, **tags):
    return headers(voxels(count), name=name, tags=lambda k: {**PATIENT, **tags})


# Disks


def test_a_disk_that_is_full_while_enhancing_costs_no_series(start, archive):
    calls = []

    def enhance(*order):
        calls.append(order)
        if len(calls) <= 4:  # more often than an accident is tried again
            raise OutputError("the disk is full") if len(calls) % 2 else BackendError("the weights are away")
        return repeat_voxels(*order)

    node = start(enhance=enhance)
    store(node.port, series())
    node.wait_for("sent")
    assert [one["reason"] for one in node.events("failed")][:2] == ["the disk is full", "the weights are away"]
    assert len(archive.objects) == COUNT and status_of(node.folder)["held"] == {}


def test_a_disk_that_is_full_while_deciding_does_not_end_the_node(start, archive, monkeypatch):
    from CHARMSSRLib.dicom.node import spool

    real = spool.write_json
    full = [True]

    def write_json(path, data):
        if full[0] and series_uid("t1") in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(spool, "write_json", write_json)
    node = start()
    store(node.port, series())
    store(node.port, series("other"))
    assert node.wait_for("accident")[0]["reason"] == "OSError: No space left on device"
    node.wait_for("sent")  # the other one is not kept waiting
    full[0] = False
    node.wait_for("sent", 2)
    assert len(archive.objects) == 2 * COUNT


def test_the_record_keeps_whole_lines_and_what_a_full_disk_did_not_take(tmp_path, monkeypatch):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"event": "first"}\n{"event": "sec')  # the power failed
    audit = Audit(path)
    audit("third")
    real = audit._append
    monkeypatch.setattr(audit, "_append", lambda line: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    audit("fourth")
    monkeypatch.setattr(audit, "_append", real)
    audit("fifth")
    assert [one["event"] for one in events(tmp_path)] == ["first", "third", "fourth", "fifth"]
    assert os.path.getsize(path) == path.read_bytes().rfind(b"\n") + 1


# Folders


def test_a_folder_of_somebody_else_is_no_inbox_and_is_left_alone(start, tmp_path):
    home = tmp_path / "home"
    (home / "jobs" / "applications").mkdir(parents=True)
    (home / "jobs" / "applications" / "letter.txt").write_text("precious")
    with pytest.raises(OutputError, match="holds jobs and is no inbox"):
        start(inbox=home)
    assert (home / "jobs" / "applications" / "letter.txt").read_text() == "precious"
    assert [one.name for one in home.iterdir()] == ["jobs"]


def test_what_somebody_put_into_an_inbox_stays_and_disturbs_nothing(start, archive):
    first = start()
    first.stop()
    for place in ("receiving", "jobs", "held", "done"):
        (first.folder / place / "notes.txt").write_text("mine")
        (first.folder / place / "backup").mkdir()
        (first.folder / place / "backup" / "a.txt").write_text("mine")
    second = start()
    store(second.port, series())
    second.wait_for("sent")
    for place in ("receiving", "jobs", "held", "done"):
        assert (second.folder / place / "backup" / "a.txt").read_text() == "mine"
    assert status_of(second.folder)["held"] == {} and status_of(second.folder)["receiving"] == {}


def test_asking_for_the_status_does_not_keep_a_node_from_starting(tmp_path):
    make_inbox(tmp_path / "inbox")
    lock_inbox(tmp_path / "inbox").close()
    asked = lock_inbox(tmp_path / "inbox")  # as status_of holds it for a moment
    threading.Timer(0.1, asked.close).start()
    lock_inbox(tmp_path / "inbox").close()


def test_a_clock_that_goes_back_or_forth_loses_nothing_but_what_was_held_too_long(start):
    node = start(hold_days=7)
    for name in ("old", "future"):
        store(node.port, series(name, 3))
    node.wait_for("held", 2)
    for name, days in (("old", -8), ("future", 4000)):
        moment = time.time() + days * 86400
        os.utime(node.folder / "held" / series_uid(name) / "reason.json", (moment, moment))
    node.wait_for("removed")
    assert list(status_of(node.folder)["held"]) == [series_uid("future")]


# Patients


def test_nothing_about_a_patient_is_recorded_whatever_the_headers_hold(start, capfd):
    def enhance(source, *order):
        if series_uid("odd") in str(source):
            raise InputError('the series "T1 Zzname" of PID4711X (Qqgiven) is odd')
        raise ValueError("invalid literal: 'Zzname'")

    node = start(enhance=enhance)
    store(node.port, series("odd"))
    store(node.port, series("accident"))
    for name, tags in (("modality", {"Modality": "ZZNAME"}), ("number", {"NumberOfFrames": 1})):
        sent = series(name, **tags)
        for one in sent:
            if name == "number":
                one.add_new("InstanceNumber", "LO", "Zzname")
                one.add_new("NumberOfFrames", "LO", "Zzname")
        store(node.port, sent)
    node.wait_for("held", 4)
    status = json.dumps(status_of(node.folder))
    said = (node.folder / "audit.jsonl").read_text(encoding="utf-8") + status + "".join(capfd.readouterr())
    for secret in SECRETS:
        assert secret not in said.lower()
    assert "is odd" in status and "failed 3 times: ValueError" in status


def test_messages_lose_what_the_header_says_about_the_patient(tmp_path):
    series("a", 1)[0].save_as(tmp_path / "a.dcm", enforce_file_format=True)
    text = "The series 'T1 Zzname' (zzname, PID4711X) has slices of 2.2 mm; name one of 19111111."
    assert without_patient(text, [tmp_path / "a.dcm"]) == (
        "The series '...' (..., ...) has slices of 2.2 mm; name one of ...."
    )
    assert without_patient(text, []) == without_patient(text, [tmp_path / "none.dcm"]) == text
    assert kind_of(ValueError("Zzname")) == "ValueError" and kind_of(Accident("status 9", "Zzname")) == "status 9"


def test_libraries_do_not_print_values(capfd):
    loggers = [logging.getLogger(name) for name in ("pydicom", "pynetdicom", "highdicom")]
    before = [(one.propagate, list(one.handlers)) for one in loggers]
    try:
        keep_values_out_of_logs()
        for one in loggers:
            logging.getLogger(f"{one.name}.part").error("Zzname")
    finally:
        for one, (propagate, handlers) in zip(loggers, before):
            one.propagate, one.handlers = propagate, handlers
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "answer, kind, words",
    [
        ({"error": "the disk is full", "kind": "OutputError"}, OutputError, "the disk is full"),
        ({"error": "too small", "kind": "InputError"}, InputError, "too small"),
        ({"accident": "ValueError: Zzname", "kind": "ValueError"}, Accident, "Zzname"),
        ({}, Accident, "ended with status 1"),
    ],
)
def test_the_process_of_a_job_tells_what_kind_of_trouble_it_had(monkeypatch, tmp_path, answer, kind, words):
    def run(line, is_stopped):
        with open(line[-1], "w", encoding="utf-8") as stream:
            json.dump(answer, stream)
        return 1

    monkeypatch.setattr(command, "_run", run)
    with pytest.raises(kind, match=words) as caught:
        command.JobProcess(EnhancementSettings(), DICOMSettings())(tmp_path, tmp_path / "out", {}, lambda: False)
    assert "Zzname" not in kind_of(caught.value)


def test_an_order_that_cannot_be_done_is_answered_with_its_kind(tmp_path):
    from CHARMSSRLib.cli.node_job import main

    order = {"input": str(tmp_path / "none"), "output": str(tmp_path / "none" / "out"), "settings": {}, "dicom": {}}
    (tmp_path / "order.json").write_text(json.dumps(order), encoding="utf-8")
    thread = types.SimpleNamespace(start=lambda: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("CHARMSSRLib.cli.node_job.threading.Thread", lambda **options: thread)
        patch.setattr("CHARMSSRLib.dicom.node.privacy.keep_values_out_of_logs", lambda: None)
        assert main(tmp_path / "order.json", tmp_path / "answer.json") == 2
    assert json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))["kind"] in ("InputError", "OutputError")


def test_two_series_of_an_association_in_turns_stay_apart(start, archive):
    """One image of each patient in turns, as some archives send a whole study."""
    node = start()
    mixed = [one for pair in zip(series("a"), series("b", PatientName="Other", PatientID="2")) for one in pair]
    assert store(node.port, mixed) == [0] * 2 * COUNT
    node.wait_for("sent", 2)
    names = {}
    for one in archive.objects.values():
        names.setdefault(one.SeriesInstanceUID, set()).add(str(one.PatientName))
    assert sorted(map(sorted, names.values())) == [["Other"], ["Zzname^Qqgiven"]]
    wait_until(lambda: status_of(node.folder)["finished"] == 2)
