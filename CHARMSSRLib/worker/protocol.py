"""The worker's messages and how volumes travel: free of torch, for both ends.

One UTF-8 JSON object per line, each with ``version``, ``id`` (of the job; "" outside one) and ``type``:

    worker -> caller   hello     pid, library, python, engine and device (what "auto" means here),
                                 engines (their versions), devices, nvidia_cards, skull_strip_backends; once, as
                                 soon as jobs are taken
    caller -> worker   run       task, folder (absolute) and what the task takes, see below
    worker -> caller   progress  fraction (0..1), message, remaining_seconds (or null), event (or null)
    worker -> caller   result    what the task gives
    worker -> caller   error     kind (name of the error's class), message, details (traceback, only
                                 for InternalError)
    caller -> worker   cancel    answered by an error of kind Cancelled
    caller -> worker   shutdown

Tasks:

    enhance     takes image, mask (or null), settings (EnhancementSettings) and, where known, what tells more of the
                scan: tags, file (as for inspect) and name (text); gives image, mask, maps, report
    fine-tune   takes pairs (list of subject, contrast, image_3t, image_7t, mask_3t or null) and settings
                (FineTuningSettings); gives checkpoint (path, or null when nothing was gained), name, report.
                Its events are those of ``fine_tune``: a pair was registered or refused, a validation was
                made (step 0 is the start). The best so far lies at the checkpoint's place from the first
                gain on, so that it survives a kill. A cancel is answered by a result with
                report.cancelled true where there was a gain, else by an error of kind Cancelled.
    inspect     takes image, tags (dict as ``tags_of`` gives them, or null) and file (path of the scan, or of one of
                its DICOM images, from which tags are read; or null); gives acquisition (``Acquisition.to_dict``:
                "line" for one short line, "sentence", "axes", ..., "warnings") and checkpoint (what "auto" means
                here: name, reason). A second or two, beside a job that may run; odd voxels and tags are no error
    check-pair  takes pair and settings (FineTuningSettings); gives quality (dict) and warnings (list), or
                an error of kind PairError with the reason

A volume is a .npy file (z, y, x) in the job's folder, which the caller makes and deletes, plus its
geometry (LPS, mm): ``{"array": "input.npy", "spacing": [3], "origin": [3], "direction": [9]}``, and ``"uni": true``
where its names say that it is the UNI image of MP2RAGE.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import SimpleITK as sitk

VERSION = 1
TASK_ENHANCE = "enhance"
TASK_FINE_TUNE = "fine-tune"
TASK_CHECK_PAIR = "check-pair"
TASK_INSPECT = "inspect"

# Kinds of errors beside the names of the classes in errors.py.
BUSY = "Busy"
INTERNAL_ERROR = "InternalError"
MISSING_PACKAGE = "MissingPackage"
OUT_OF_MEMORY = "OutOfMemory"
PROTOCOL_ERROR = "ProtocolError"

# Exit statuses of the worker process.
ENDED, UNUSABLE_PYTHON = 0, 3


class ProtocolError(ValueError):
    """A line that is no message of this version."""


def encode(type: str, id: str = "", **fields: Any) -> bytes:
    """A message as one line of bytes.

    Args:
        type: one of the types above.
        id: the job's id.
        fields: JSON values; NaN and infinity are not allowed.
    """
    message = {"version": VERSION, "id": id, "type": type, **fields}
    return json.dumps(message, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"


def decode(line: bytes) -> dict:
    """The message of one line (bytes) as a dict.

    Raises:
        ProtocolError: no JSON object, no type or id, or another version.
    """
    try:
        message = json.loads(line.decode("utf-8"))
    except ValueError as error:
        raise ProtocolError(f"A message is not valid JSON ({error}).") from error
    if not isinstance(message, dict) or not all(isinstance(message.get(key), str) for key in ("type", "id")):
        raise ProtocolError("A message has no type or no id.")
    if message.get("version") != VERSION:
        raise ProtocolError(
            f"A message has protocol version {message.get('version')!r}, this side speaks {VERSION}; "
            "panel and worker come from different installations: restart Slicer."
        )
    return message


class MessageStream:
    """Cuts a stream of bytes, as it arrives, into messages; what is none is set aside.

    A chunk may end anywhere, even inside a UTF-8 character: the rest is kept for the next one.

    Attributes:
        strange_lines: texts that were no messages (a library's print), for the details of an error.
    """

    def __init__(self) -> None:
        self._rest = b""
        self.strange_lines: list[str] = []

    def feed(self, chunk: bytes) -> list[dict]:
        """Messages that are complete with this chunk, oldest first."""
        *lines, self._rest = (self._rest + bytes(chunk)).split(b"\n")
        messages = []
        for line in lines:
            if not line.strip():
                continue
            try:
                messages.append(decode(line))
            except ProtocolError:
                self.strange_lines.append(line.decode("utf-8", errors="replace").strip())
        return messages


def save_volume(image: sitk.Image, folder: str | Path, name: str) -> dict:
    """Write an image's voxels to ``folder/name.npy``.

    Args:
        image: scalar 3-D SimpleITK image.
        folder: the job's folder.
        name: without extension.

    Returns:
        The volume's description for a message.
    """
    import SimpleITK as sitk

    from ..files.uni_names import is_marked_as_uni

    file_name = f"{name}.npy"
    np.save(Path(folder) / file_name, sitk.GetArrayViewFromImage(image))
    description = {
        "array": file_name,
        "spacing": list(image.GetSpacing()),
        "origin": list(image.GetOrigin()),
        "direction": list(image.GetDirection()),
    }
    return {**description, "uni": True} if is_marked_as_uni(image) else description


def load_volume(description: Any, folder: str | Path) -> sitk.Image:
    """The SimpleITK image that a message describes.

    Args:
        description: dict as ``save_volume`` returns it.
        folder: the job's folder; no file outside it is read.

    Raises:
        ProtocolError: a bad description, or a file that is missing or no 3-D array.
    """
    import SimpleITK as sitk

    from ..files.uni_names import mark_as_uni

    try:
        file_name = description["array"]
        if Path(file_name).name != file_name:
            raise ProtocolError(f"A volume's array {file_name!r} is not a file of the job's folder.")
        array = np.load(Path(folder) / file_name, mmap_mode="r", allow_pickle=False)
        if array.ndim != 3:
            raise ProtocolError(f"The array {file_name} is {array.ndim}-D; volumes have three axes.")
        # The copy leaves no file mapped, so that Windows lets the caller delete the folder.
        image = sitk.GetImageFromArray(np.ascontiguousarray(array))
        image.SetSpacing([float(number) for number in description["spacing"]])
        image.SetOrigin([float(number) for number in description["origin"]])
        image.SetDirection([float(number) for number in description["direction"]])
        if description.get("uni") is True:
            mark_as_uni(image)
    except ProtocolError:
        raise
    except (EOFError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ProtocolError(f"A volume of the job cannot be read: {error}.") from error
    return image
