"""Finds faces in photographs, and crops them like the images of a data set."""

from sk_fer.faces._cropper import FaceCropper
from sk_fer.faces._detected import DetectedFaces
from sk_fer.faces._detector import FaceDetector

__all__ = ["DetectedFaces", "FaceCropper", "FaceDetector"]
