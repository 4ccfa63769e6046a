from .image_quality import mean_ssim as mean_ssim
from .image_quality import psnr as psnr
from .image_quality import ssim as ssim
from .texture import TextureScore as TextureScore
from .texture import TextureTable as TextureTable
from .texture import evaluate_folder as evaluate_folder
from .texture import score_face as score_face
