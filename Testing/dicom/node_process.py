"""A node as a process that a test can kill: ``python node_process.py INBOX PORT FORWARD QUIET [ENHANCING]``."""

import signal
import sys
import threading
import time

from CHARMSSRLib.dicom.node.node import Node, Stopped
from CHARMSSRLib.settings import NodeSettings
from Testing.dicom.node_parts import repeat_voxels


def main(inbox, port, forward, quiet, enhancing="0"):
    """Run until SIGTERM; each series takes so many seconds."""
    stop = threading.Event()

    def enhance(source, folder, settings, is_stopped):
        end = time.monotonic() + float(enhancing)
        while time.monotonic() < end:
            if is_stopped():
                raise Stopped
            time.sleep(0.05)
        return repeat_voxels(source, folder, settings, is_stopped)

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = NodeSettings(inbox=inbox, port=int(port), forward=forward, quiet_time=float(quiet))
    Node(settings, None, enhance).run(stop.is_set, lambda port: print("started", flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
