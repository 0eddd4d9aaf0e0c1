"""A node as a process that a test can kill: ``python node_process.py INBOX PORT FORWARD QUIET``."""

import signal
import sys
import threading

from node_parts import repeat_voxels

from CHARMSSRLib.dicom.node.node import Node
from CHARMSSRLib.settings import NodeSettings


def main(inbox, port, forward, quiet):
    """Run until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = NodeSettings(inbox=inbox, port=int(port), forward=forward, quiet_time=float(quiet))
    Node(settings, None, repeat_voxels).run(stop.is_set, lambda port: print("started", flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
