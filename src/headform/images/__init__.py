"""Input of photos: files, Pillow images and arrays to upright 8-bit sRGB, or a typed error."""

from headform.images.array import from_array as from_array
from headform.images.photo import Photo as Photo
from headform.images.pillow_image import from_pillow as from_pillow
from headform.images.read import from_bytes as from_bytes
from headform.images.read import read as read
