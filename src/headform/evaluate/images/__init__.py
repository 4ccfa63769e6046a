"""Renderings against photos: PSNR, SSIM, and the cosine of recognition embeddings."""
