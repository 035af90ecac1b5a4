"""Model files that are safe to load from any source, ONNX files and the Hugging Face Hub."""

from sk_fer.persistence._errors import ModelFormatError
from sk_fer.persistence._hub import from_hub, push_to_hub
from sk_fer.persistence._model_card import model_card
from sk_fer.persistence._model_file import load_model, save_model
from sk_fer.persistence._onnx import export_onnx
from sk_fer.persistence._pretrained import load_pretrained
from sk_fer.persistence._skops import SKOPS_TRUSTED

__all__ = [
    "SKOPS_TRUSTED",
    "ModelFormatError",
    "export_onnx",
    "from_hub",
    "load_model",
    "load_pretrained",
    "model_card",
    "push_to_hub",
    "save_model",
]
