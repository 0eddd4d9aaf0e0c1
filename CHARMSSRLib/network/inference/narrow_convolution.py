"""A frozen 3x3 convolution from many channels to one, as a product per pixel and a sum of shifted images."""

import torch
import torch.nn.functional as F

from .fused_convolution import FusedConvolution, as_rows


class NarrowConvolution(FusedConvolution):
    """conv3x3(x) with one output channel, zero padding of one pixel; no gradients.

    oneDNN computes at least 16 output channels at a time, so one channel costs it as much as 16. In
    float32 on a CPU the nine taps are one matrix product with the pixels (9 x C by C x NHW), and
    nine planes are added, each moved by its tap's offset. Elsewhere it is the convolution itself.

    Shape: (N, C, H, W) channels-last -> (N, 1, H, W).
    """

    def forward(self, image):
        if image.device.type != "cpu" or image.dtype != torch.float32:
            return super().forward(image)
        n, c, h, w = image.shape
        taps = self.weight[0].permute(1, 2, 0).reshape(9, c)
        planes = torch.mm(taps, as_rows(image).reshape(-1, c).T).view(3, 3, n, h, w)
        total = F.pad(planes[1, 1] + self.bias, (1, 1, 1, 1))
        for row in range(3):
            for column in range(3):
                if (row, column) != (1, 1):
                    # The tap at (row, column) reads the pixel at that offset: its plane moves the other way.
                    total[:, 2 - row : 2 - row + h, 2 - column : 2 - column + w] += planes[row, column]
        return total[:, None, 1:-1, 1:-1]
