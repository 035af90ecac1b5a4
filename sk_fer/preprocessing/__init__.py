"""Transformers that read and change images, for any scikit-learn pipeline."""

from sk_fer.preprocessing._histogram import HistogramEqualizer
from sk_fer.preprocessing._image_reader import ImageReader
from sk_fer.preprocessing._pixel_parser import PixelParser
from sk_fer.preprocessing._resizer import ImageResizer
from sk_fer.preprocessing._standardizer import ImageStandardizer

__all__ = [
    "HistogramEqualizer",
    "ImageReader",
    "ImageResizer",
    "ImageStandardizer",
    "PixelParser",
]
