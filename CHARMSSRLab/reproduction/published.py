"""Figures that others published, and what a reader must know before comparing with them."""

import math

# https://github.com/yingtie-lei/FS-RWKV, README (BIBM 2025, arXiv 2510.08951): PSNR (dB), SSIM, RMSE.
# Its UNC is PTT2, its BNU is PTT1.
FS_RWKV = {
    ("PTT1", "T1w"): (23.3571, 0.8388, 0.0689),
    ("PTT1", "T2w"): (27.4937, 0.8624, 0.0431),
    ("PTT2", "T1w"): (21.0008, 0.7258, 0.0898),
    ("PTT2", "T2w"): (25.3058, 0.7807, 0.0565),
}
FS_RWKV_SLICES = 101
FS_RWKV_PROTOCOL = (
    "FS-RWKV's figures are not measured as ours are. By its public code: 8-bit pictures of axial slices, resized to"
    " 256 x 256, clamped to [0, 1], PSNR and SSIM of each whole picture with data range 1, no brain mask, mean over"
    " pictures; a network is trained and tested within one set. (A third party reads in its paper: the 101 central"
    " slices, heads with skull, PTT2 split into 7 subjects for training and 3 for test.) Ours are tuned on PTT1 and"
    " tested on all of PTT2, another site; brain-masked in 3-D on the 7T's own grid, range the 99.9th percentile of"
    " the 7T in the mask. The columns 'whole slices' use FS-RWKV's measure as far as our volumes allow: the 101 central"
    " axial slices, min-max of the 7T, range 1, zero outside the brain. Differences of a few dB mean nothing here."
)
DOUBLE_RANGE_DB = 20 * math.log10(2)
RANGE_NOTE = (
    "Table 5 of the paper prints gains of 6.020-6.021 dB in 19 of 20 cells. That is 20 log10 2: twice the data range"
    " in one of the two columns, not a gain. Here one data range and one mask per subject serve all columns."
)
INCONSISTENT = (
    "The paper's own IXI T1w figures for CHARMS differ between Table 2/3 (37.79 and 33.27 dB at x2 and x4) and Table 4"
    " (36.29 and 29.47 dB): neither is a target."
)


def looks_like_double_range(gains):
    """Whether most of these gains (dB) are that of a doubled data range: then something is wrong."""
    near = [abs(gain - DOUBLE_RANGE_DB) < 0.01 for gain in gains]
    return len(near) > 1 and sum(near) > len(near) / 2
