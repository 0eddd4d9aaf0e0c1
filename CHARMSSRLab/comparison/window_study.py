"""The gap between patches and slices: candidates whose statistics are local, and what they gain.

See ``network.local_statistics``. Beside them stands the network on a frame that is padded
with background, as a looser box around the brain would feed it.
"""

import torch.nn.functional as F
from torch import nn

from .local_statistics import with_local_statistics
from .protocol import Candidate
from .sites import pairs_of, planes_mean

PADDING = 32  # LR pixels on each side
PCA_ALONE, ALL = "PCA's mean in", "all statistics in"  # windows for
WORTH = 0.05  # dB of brain PSNR on average that a change of form must gain


class PaddedFrame(nn.Module):
    """A network that reads its slices with ``padding`` pixels of background around them; the border is cut off again.

    Shape: that of the network.
    """

    def __init__(self, network, padding):
        super().__init__()
        self.network, self.padding, self.arguments = network, padding, network.arguments

    def forward(self, slices):
        output = self.network(F.pad(slices, (self.padding,) * 4))
        edge = self.padding * self.network.scale
        return output[..., edge:-edge, edge:-edge]


def window_candidates(checkpoint, windows):
    """Candidates beside that of the checkpoint itself: windows for PCA's mean alone, for all statistics, and padding.

    Args:
        checkpoint: loaded ``Checkpoint``. windows: sides in LR pixels.
    """
    card, network = checkpoint.card, checkpoint.network
    name, intensity = card["name"], card["intensity"]["kind"]
    found = [
        Candidate(f"{name}, {what} {window}", with_local_statistics(network, window, attention), intensity)
        for attention, what in ((False, PCA_ALONE), (True, ALL))
        for window in windows
    ]
    return [*found, Candidate(f"{name}, padded by {PADDING}", PaddedFrame(network.for_inference(), PADDING), intensity)]


def window_section(rows, name):
    """Lines of Markdown: change of brain PSNR against the network on the whole slice, a line per form.

    Args:
        rows: of ``score_prepared``. name: of the checkpoint.
    """
    methods = [method for method in dict.fromkeys(row["method"] for row in rows) if method.startswith(f"{name}, ")]
    lines = ["## Statistics of the slice or of windows", "", "Change of brain PSNR (dB) against the network on the"
             " whole box: mean, least and most over volumes and degradations.", "",
             "| form | mean | least | most |", "|---|---|---|---|"]  # fmt: skip
    best = None
    for method in methods:
        changes = [float(ours) - float(theirs) for ours, theirs in pairs_of(planes_mean(rows), method, name).values()]
        cells = (sum(changes) / len(changes), min(changes), max(changes))
        form = method[len(name) + 2 :]
        best = max(best or (cells[0], form), (cells[0], form))
        lines.append(f"| {form} | " + " | ".join(f"{value:+.3f}" for value in cells) + " |")
    if best:
        verdict = "It is worth taking" if best[0] >= WORTH else f"Less than {WORTH:g} dB: the whole box is kept"
        lines += ["", f"- Best: {best[1]}, {best[0]:+.3f} dB on average. {verdict}."]
        share = _attentions_share(rows, name)
        lines.append(f"- Local attention beside PCA's local mean changes {share:.4f} dB at most.")
    return lines


def _attentions_share(rows, name):
    """Largest change (dB) between windows for all statistics and for PCA's mean alone."""
    means = planes_mean(rows)
    changes = [abs(value - means[(*key[:3], key[3].replace(ALL, PCA_ALONE))])
               for key, value in means.items() if key[3].startswith(f"{name}, {ALL}")]  # fmt: skip
    return max(changes, default=0.0)
