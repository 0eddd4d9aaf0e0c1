"""One large file <-> pieces below a size limit, with a list that proves them complete.

Where results travel through a channel that bounds the size of a file, a training state
goes in pieces: NAME.000, NAME.001 ... and NAME.shards.json.
"""

import hashlib
import json
from pathlib import Path

from CHARMSSRLib.files.atomic import replacing

LIMIT = 15 * 2**20  # bytes per piece


def split_file(path, folder, name, limit=LIMIT):
    """Write a file as pieces into a folder, in place of earlier pieces of this name.

    Args:
        path: the file.
        folder: made if missing.
        name: of the pieces.
        limit: bytes per piece.

    Returns:
        list of the files written, the list of pieces last: without it they count for nothing.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_pieces(folder, name)
    pieces, files = [], []
    with open(path, "rb") as source:
        for piece in iter(lambda: source.read(limit), b""):
            file = folder / f"{name}.{len(pieces):03d}"
            file.write_bytes(piece)
            files.append(file)
            pieces.append({"file": file.name, "bytes": len(piece), "sha256": hashlib.sha256(piece).hexdigest()})
    listing = _listing(folder, name)
    listing.write_text(json.dumps({"pieces": pieces}, indent=1), encoding="utf-8")
    return [*files, listing]


def join_file(folder, name, path):
    """Put the pieces together; the file appears only when complete.

    Returns:
        whether there were any.

    Raises:
        ValueError: when a piece is missing or damaged.
    """
    folder, path = Path(folder), Path(path)
    if not _listing(folder, name).is_file():
        return False
    pieces = json.loads(_listing(folder, name).read_text(encoding="utf-8"))["pieces"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, open(partial, "wb") as target:
        for piece in pieces:
            file = folder / piece["file"]
            content = file.read_bytes() if file.is_file() else b""
            if hashlib.sha256(content).hexdigest() != piece["sha256"]:
                raise ValueError(f"{file} is missing or damaged: copy the pieces of {name} again")
            target.write(content)
    return True


def remove_pieces(folder, name):
    """Delete the pieces of this name and their list, if there are any."""
    _listing(folder, name).unlink(missing_ok=True)
    for file in Path(folder).glob(f"{name}.[0-9][0-9][0-9]"):
        file.unlink()


def _listing(folder, name):
    return Path(folder) / f"{name}.shards.json"
