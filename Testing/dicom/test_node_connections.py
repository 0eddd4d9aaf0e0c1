"""What peers do to the node's connections: none may hold up the others, and none may fill the memory."""

import contextlib
import socket
import struct
import subprocess
import threading
from types import SimpleNamespace

import pytest
from pynetdicom import AE
from pynetdicom.dul import DULServiceProvider

from CHARMSSRLib.dicom.node import promptness, receiver
from CHARMSSRLib.dicom.node.promptness import hasten, keep_answers
from CHARMSSRLib.dicom.node.tls import client_security
from Testing.dicom.hospital import headers, series_uid, voxels
from Testing.dicom.node_parts import RunningNode, program, store, wait_until

CONNECTIONS = 3


@pytest.fixture
def start(tmp_path):
    running = []

    def run(**options):
        folder = tmp_path / f"inbox{len(running)}"
        options = {"quiet_time": 3600.0, "connections": CONNECTIONS, **options}
        running.append(RunningNode(folder, "PACS@127.0.0.1:9", **options))
        return running[-1]

    yield run
    for one in running:
        one.stop()


def connected(port, noise=b""):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(noise)
    return connection


def test_an_object_is_stored_by_the_thread_that_read_it(start, monkeypatch):
    node, threads = start(), []
    keep = node.node.spool.add
    monkeypatch.setattr(
        node.node.spool, "add", lambda *given: threads.append(threading.current_thread()) or keep(*given)
    )
    assert store(node.port, headers(voxels(3))) == [0] * 3
    assert len(threads) == 3 and all(isinstance(one, DULServiceProvider) for one in threads)


def test_associations_work_where_pynetdicom_has_other_parts(start, monkeypatch):
    other = SimpleNamespace(dul=SimpleNamespace(socket=None), dimse=SimpleNamespace())
    hasten(other)
    assert vars(other).keys() == {"dul", "dimse"}
    monkeypatch.setattr(receiver, "hasten", lambda *given: None)
    assert store(start().port, headers(voxels(3))) == [0] * 3


def test_connections_that_come_and_go_keep_nobody_out(start):
    node = start()
    for _ in range(2 * CONNECTIONS):
        connected(node.port).close()
        connected(node.port, b"\x01\0").close()
    wait_until(lambda: store(node.port, headers(voxels(1))) == [0], "the place became free")


def test_peers_that_fall_silent_lose_their_place(start, monkeypatch):
    monkeypatch.setattr(promptness, "SILENCE_SECONDS", 0.5)
    node = start()
    silent = [connected(node.port, b"\x01\0\0\0\0\xd0" + b"x" * 20) for _ in range(CONNECTIONS + 1)]
    wait_until(lambda: store(node.port, headers(voxels(1))) == [0], "the place became free")
    for one in silent:
        one.close()


def certificates(folder):
    pem, key = folder / "own.pem", folder / "own.key"
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=node",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return str(pem), str(key), str(pem)


def test_a_silent_connection_does_not_keep_encrypted_ones_waiting(start, tmp_path):
    files = certificates(tmp_path)
    node = start(tls_certificate=files[0], tls_key=files[1], tls_authority=files[2])
    with connected(node.port), connected(node.port, b"\x16\x03\x01"):
        secured = (client_security(*files), "127.0.0.1")
        assert store(node.port, headers(voxels(2)), tls_args=secured) == [0, 0]


def test_an_object_of_any_size_fills_no_memory(start, monkeypatch):
    monkeypatch.setattr(promptness, "LARGEST_OBJECT", 6000)
    node = start()
    pixels = voxels(2)
    with contextlib.suppress(RuntimeError):
        assert store(node.port, headers(pixels[:1])) == [0]
        assert store(node.port, headers(pixels.repeat(4, 2), name="large")) == [None]
    wait_until(lambda: node.events("refused"), "the record")
    assert "larger" in node.events("refused")[0]["reason"]
    assert not (node.folder / "receiving" / series_uid("large")).exists()
    # A length of 4 GB is not waited for.
    with connected(node.port, b"\x01\0" + struct.pack(">I", 0xFFFFFFF0) + b"x" * 100) as connection:
        connection.settimeout(60)
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(100):
                pass  # an abort may come first, then the connection ends
    assert store(node.port, headers(pixels[1:])) == [0]


@pytest.mark.parametrize("service", ["find", "move", "get"])
def test_queries_are_refused_cleanly(start, service):
    """No presentation context is accepted for them, which is how DICOM says that a service is not offered."""
    node = start()
    entity = AE(ae_title="SCANNER")
    model = {"find": "1.2.840.10008.5.1.4.1.2.2.1", "move": "1.2.840.10008.5.1.4.1.2.2.2",
             "get": "1.2.840.10008.5.1.4.1.2.2.3"}[service]  # fmt: skip
    entity.add_requested_context(model)
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate("127.0.0.1", node.port, ae_title="CHARMSSR")
    assert association.is_established
    assert [one.abstract_syntax for one in association.rejected_contexts] == [model]
    assert association.send_c_echo().Status == 0
    association.release()


def test_an_answer_is_left_to_the_one_who_waits_for_it():
    """The association's own thread looks for requests in the queue where answers arrive."""
    answers = ["answer"]
    association = SimpleNamespace(
        dimse=SimpleNamespace(get_msg=lambda block=False: (1, answers.pop()) if answers else (None, None))
    )
    keep_answers(association)
    assert association.dimse.get_msg() == association.dimse.get_msg(block=False) == (None, None)
    assert association.dimse.get_msg(block=True) == (1, "answer")
