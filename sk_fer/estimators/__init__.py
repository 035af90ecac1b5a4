"""The classifiers: scikit-learn's contract over the networks and the training engine."""

from sk_fer._utils._networks import NETWORKS
from sk_fer.estimators._cnn import FERCNNClassifier
from sk_fer.estimators._dense import FERDenseClassifier
from sk_fer.estimators._features import FERFeatures
from sk_fer.estimators._predict_faces import predict_faces
from sk_fer.estimators._predict_images import predict_images
from sk_fer.estimators._predict_video import VideoFrame, predict_video
from sk_fer.estimators._presets import make_classifier
from sk_fer.estimators._pretrained import (
    FEREfficientNetB2Classifier,
    FERPretrainedClassifier,
    FERResNet50Classifier,
)

__all__ = [
    "NETWORKS",
    "FERCNNClassifier",
    "FERDenseClassifier",
    "FEREfficientNetB2Classifier",
    "FERFeatures",
    "FERPretrainedClassifier",
    "FERResNet50Classifier",
    "VideoFrame",
    "make_classifier",
    "predict_faces",
    "predict_images",
    "predict_video",
]
