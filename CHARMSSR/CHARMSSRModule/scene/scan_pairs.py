"""Pairs of a 3T and a 7T scan: what they are, what their names tell, and how the scene keeps the table of them."""

import json
import re
from collections import namedtuple

import slicer
from slicer.i18n import tr as _

CONTRASTS = ("T1w", "T2w", "FLAIR")
ROLES = {"image3T": "3T", "image7T": "7T", "mask3T": "Mask"}

# FLAIR first: "T2-FLAIR" is one.
_CONTRAST_WORDS = (("FLAIR", r"flair"), ("T2w", r"t2"), ("T1w", r"t1|mp2?rage|spgr"))
_FIELD_WORDS = {"image3T": r"(?<![0-9.])3\s?t(?![a-z0-9])", "image7T": r"(?<![0-9.])7\s?t(?![a-z0-9])"}


class ScanPair(namedtuple("ScanPair", "image3T image7T mask3T subject contrast", defaults=(None, "", ""))):
    """Nodes of one pair: 3T scan, 7T scan, brain mask on the 3T scan (or None); label of the person; contrast."""

    __slots__ = ()

    def completed(self):
        """The pair with what is left empty guessed from the names of its nodes."""
        subject, contrast = self.subject.strip(), self.contrast
        if self.image3T is not None:
            subject = subject or _subjectOf(self.image3T) or self.image3T.GetName()
            contrast = contrast or contrastOf(self.image3T.GetName())
        return self._replace(subject=subject, contrast=contrast or "T1w")

    @property
    def title(self):
        """How sentences call the pair."""
        complete = self.completed()
        return f"{complete.subject} {complete.contrast}" if complete.subject else _("without a name")


def asPair(given):
    """A ScanPair of what a script gives: a ScanPair, or (3T node, 7T node), or these and a mask node.

    Raises:
        ValueError: if it is none of these.
    """
    if isinstance(given, ScanPair):
        return given
    if isinstance(given, (tuple, list)) and len(given) in (2, 3):
        return ScanPair(*given)
    raise ValueError(
        _(
            "A pair is (3T volume node, 7T volume node) or (3T volume node, 7T volume node, mask node), not {given}."
        ).format(given=repr(given)[:80])
    )


def contrastOf(name):
    """Contrast that a node's name tells, or ""."""
    for contrast, words in _CONTRAST_WORDS:
        if re.search(rf"(?<![a-z0-9])({words})", name, re.IGNORECASE):
            return contrast
    return ""


def suggestedPair(used):
    """A pair of scans of the scene that are in no pair yet, as far as their names tell the field strengths.

    A 7T scan is taken along only where its name is that of the 3T scan but for the field.
    """
    free = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
            if node.GetClassName() == "vtkMRMLScalarVolumeNode" and node not in used]  # fmt: skip
    scans = {role: [node for node in free if _tells(node, role)] for role in _FIELD_WORDS}
    for image3T in scans["image3T"]:
        partners = [node for node in scans["image7T"] if _withoutField(node) == _withoutField(image3T)]
        if partners:
            return ScanPair(image3T, partners[0], subject=_subjectOf(image3T), contrast=contrastOf(image3T.GetName()))
    return ScanPair(None, None)


def _tells(node, role):
    return re.search(_FIELD_WORDS[role], _dashed(node), re.IGNORECASE) is not None


def _dashed(node):
    return re.sub(r"[\s_-]+", "-", node.GetName())


def _without(text, words):
    return re.sub("-+", "-", re.sub("|".join(words), "", text, flags=re.IGNORECASE)).strip("-")


def _withoutField(node):
    return _without(_dashed(node), _FIELD_WORDS.values()).lower()


def _subjectOf(node):
    contrasts = [rf"(?<![a-z0-9])({words})w?" for _contrast, words in _CONTRAST_WORDS]
    return _without(_dashed(node), [*_FIELD_WORDS.values(), *contrasts])


class PairStore:
    """The table of pairs in the module's parameter node: texts as a parameter, nodes as references.

    References, because Slicer renumbers nodes when a scene is read into another one. Each row has a key of its own.
    """

    PARAMETER = "fineTunePairs"

    def __init__(self, node):
        self._node = node

    def keys(self):
        """Keys of the rows, in order."""
        return [row["key"] for row in self._rows()]

    def pairs(self):
        """{key: ScanPair} of all rows, in order."""
        return {row["key"]: self._pair(row) for row in self._rows()}

    def add(self, pair):
        """Append a row; its key."""
        rows = self._rows()
        key = str(1 + max([int(row["key"]) for row in rows], default=0))
        with slicer.util.NodeModify(self._node):
            self._write(rows + [{"key": key, "subject": pair.subject, "contrast": pair.contrast}])
            for field in ROLES:
                self._refer(key, field, getattr(pair, field))
        return key

    def remove(self, key):
        """Delete a row; the nodes stay in the scene."""
        with slicer.util.NodeModify(self._node):
            for field in ROLES:
                self._node.RemoveNodeReferenceIDs(self._role(key, field))
            self._write([row for row in self._rows() if row["key"] != key])

    def change(self, key, field, value):
        """Set one field of ScanPair in a row."""
        if field in ROLES:
            self._refer(key, field, value)
        else:
            self._write([{**row, field: value} if row["key"] == key else row for row in self._rows()])

    def _rows(self):
        try:
            rows = json.loads(self._node.GetParameter(self.PARAMETER) or "[]")
            return [
                {"key": str(int(row["key"])), "subject": str(row["subject"]), "contrast": str(row["contrast"])}
                for row in rows
            ]
        except (ValueError, TypeError, KeyError):  # a scene that somebody has edited
            return []

    def _write(self, rows):
        text = json.dumps(rows)
        if text != self._node.GetParameter(self.PARAMETER):
            self._node.SetParameter(self.PARAMETER, text)

    def _pair(self, row):
        nodes = [self._node.GetNodeReference(self._role(row["key"], field)) for field in ROLES]
        return ScanPair(*nodes, subject=row["subject"], contrast=row["contrast"])

    def _refer(self, key, field, node):
        self._node.SetNodeReferenceID(self._role(key, field), node.GetID() if node is not None else None)

    @staticmethod
    def _role(key, field):
        return f"fineTunePair{key}.{ROLES[field]}"
