"""What the chosen volume really measured, found out by the worker while the interface stays alive."""

import qt
import slicer

from ..scene.geometry import gridFromIjkToRas, ijkToRasOfNode
from ..scene.scan_files import fileOf, formsSentence
from ..scene.scene_results import pastSentence
from .exchange import JobFolder

NOTHING, LOOKING, FOUND, REFUSED = "nothing", "looking", "found", "refused"


class Inspection:
    """Asks once for each state of an image; ``onChange()`` is called when the answer comes.

    Voxels are written for the worker in pieces, between events.

    Attributes, about the volume of the last ``look``:
        state: NOTHING (no volume, no worker, too large), LOOKING, FOUND, or REFUSED (``reason`` says why).
        acquisition: what ``charmssr inspect`` finds, as a dictionary (docs/use/inspect.md); {} unless FOUND.
        reason: sentence about a volume that can't be inspected.
        forms: sentence about the two geometries of its file; "" unless they differ.
        past: sentence about a volume that was enhanced before; "" about others.
    """

    MOST_VOXELS = 150_000_000
    PIECE_BYTES = 8_000_000  # written in a few milliseconds
    TRIES = 3  # a worker that was killed takes its answer along
    KEPT = 8  # answers

    def __init__(self, worker, onChange):
        self.state, self.acquisition, self.reason, self.forms = NOTHING, {}, "", ""
        self.past = ""
        self._worker = worker
        self._onChange = onChange
        self._key = None
        self._answers = {}
        self._asked = set()  # keys of volumes that the worker looks at, this one or one that was left for it
        self._tries = 0
        self._node = None
        self._writing = None  # (folder, voxels, memory map, next slice, image part)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._writePiece)
        worker.addListener(self._onWorkerChanged)

    def look(self, node):
        """Find out about a volume that may be enhanced; None for none. Nothing is done twice."""
        key = _stateOf(node) if node is not None else None
        if key != self._key:
            self._drop()
            self._key, self._node, self._tries = key, node, 0
            self.forms = formsSentence(node) if node is not None else ""
            self.past = pastSentence(node) if node is not None else ""
            self._show(self._answers.get(key))
            if key in self._asked:
                self.state = LOOKING
        if self.state != NOTHING or node is None or self._worker.hello is None or self._tries >= self.TRIES:
            return
        if node.GetImageData().GetNumberOfPoints() <= self.MOST_VOXELS:
            self._start()

    def stop(self):
        """Let go of the volume and the worker; files are removed."""
        self._worker.removeListener(self._onWorkerChanged)
        self._drop()
        self._key = self._node = None
        self._show(None)

    # Inside

    def _show(self, answer):
        """Take over a kept answer: an error sentence, a dictionary, or None for none."""
        self.state = NOTHING if answer is None else REFUSED if isinstance(answer, str) else FOUND
        self.acquisition = answer if self.state == FOUND else {}
        self.reason = answer if self.state == REFUSED else ""

    def _onWorkerChanged(self):
        if self._worker.hello is None and self._writing is not None:
            self._drop()
            self._show(None)

    def _drop(self):
        self._timer.stop()
        if self._writing is not None:
            folder, self._writing = self._writing[0], None
            folder.remove()

    def _start(self):
        self._tries += 1
        folder = JobFolder()
        voxels = slicer.util.arrayFromVolume(self._node)
        try:
            target, image = folder.openArray(voxels, gridFromIjkToRas(ijkToRasOfNode(self._node)), "scan.npy")
        except OSError:  # a full disk: the button will say so
            folder.remove()
            self._tries = self.TRIES
            return
        self.state = LOOKING
        self._writing = (folder, voxels, target, 0, image)
        self._timer.start()

    def _writePiece(self):
        if self._writing is None:
            return
        folder, voxels, target, start, image = self._writing
        count = max(1, self.PIECE_BYTES // max(1, voxels[0].nbytes))
        target[start : start + count] = voxels[start : start + count]
        if start + count < len(voxels):
            self._writing = (folder, voxels, target, start + count, image)
            self._timer.start()
            return
        key, self._writing = self._key, None
        target.flush()
        del target, voxels  # an open memory map would keep Windows from deleting the folder
        self._asked.add(key)
        self._worker.ask(
            "inspect",
            lambda message: self._onAnswer(key, folder, message),
            folder=folder.path,
            image=image,
            tags=None,
            file=fileOf(self._node) or None,
        )

    def _onAnswer(self, key, folder, message):
        folder.remove()
        self._asked.discard(key)
        answer = None
        if message is not None:
            found = message["type"] == "result"
            answer = message.get("message", "")
            if found:  # and which model it gets where that is left to the program
                answer = {**message["acquisition"], "checkpoint": message.get("checkpoint")}
            self._answers[key] = answer
            for oldest in list(self._answers)[: -self.KEPT]:
                del self._answers[oldest]
        if key == self._key:
            self._show(answer)
            self._onChange()


def _stateOf(node):
    """What changes when the voxels or the geometry of a volume do."""
    image = node.GetImageData()
    grid = tuple(ijkToRasOfNode(node).round(6).ravel().tolist())
    return node.GetID(), image.GetPointData().GetScalars().GetMTime(), image.GetMTime(), grid
