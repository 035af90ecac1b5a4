"""The networks as plain ``torch.nn.Module`` classes, which estimators build by name."""

from sk_fer.modules._accurate_cnn import AccurateCNN
from sk_fer.modules._build import build_module
from sk_fer.modules._cnn import FastCNN, SequentialCNN, VGGStyleCNN
from sk_fer.modules._dense import DenseNetwork
from sk_fer.modules._dropout import SeededDropout, dropout_generator
from sk_fer.modules._face_module import FaceModule
from sk_fer.modules._fused import fused_for_evaluation, largest_activation
from sk_fer.modules._input import InputLayer
from sk_fer.modules._network_class import network_class
from sk_fer.modules._pretrained import PretrainedNetwork
from sk_fer.modules._seeded_init import seeded_init
from sk_fer.modules._weighted_norm import WeightedBatchNorm2d, weighted_batch

__all__ = [
    "AccurateCNN",
    "DenseNetwork",
    "FaceModule",
    "FastCNN",
    "InputLayer",
    "PretrainedNetwork",
    "SeededDropout",
    "SequentialCNN",
    "VGGStyleCNN",
    "WeightedBatchNorm2d",
    "build_module",
    "dropout_generator",
    "fused_for_evaluation",
    "largest_activation",
    "network_class",
    "seeded_init",
    "weighted_batch",
]
