"""PSNR and SSIM, tissue, banding, gradients, statistics."""
