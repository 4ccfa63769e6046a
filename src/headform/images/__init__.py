"""Input of photos: files and arrays to upright 8-bit sRGB, or a typed error."""

from headform.images.array import from_array as from_array
from headform.images.photo import Photo as Photo
from headform.images.read import read as read
