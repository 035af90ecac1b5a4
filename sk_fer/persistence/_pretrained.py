"""The trained models of this package."""

import warnings
from typing import Any

from sk_fer._utils._shipped import shipped_file
from sk_fer.persistence._model_file import load_model
from sk_fer.persistence._network import rebuilt


def load_pretrained(name: str = "fer2013") -> Any:
    """Load a trained model of this package, without a network connection.

    Parameters
    ----------
    name : {"fer2013"}, default="fer2013"
        The model. "fer2013" is a :class:`~sk_fer.FERCNNClassifier` that was trained on
        27,273 of the 28,709 training images of FER2013: photographs of faces in 48x48 gray
        pixels, with the classes angry, disgust, fear, happy, neutral, sad and surprise.

    Returns
    -------
    model : classifier
        The fitted classifier, with the device and the precision that ``device="auto"`` and
        ``precision="auto"`` select on this machine.

    Raises
    ------
    ValueError
        If the package has no model of this name.
    FileNotFoundError
        If this copy of the package does not contain the file of the model.

    See Also
    --------
    load_model : Read a model from a file.
    sk_fer.FERPretrainedClassifier : With ``weights="fer2013"``, fine-tune this model.
    sk_fer.FERFeatures : With ``weights="fer2013"``, return the features of this model.

    Notes
    -----
    A temperature, fitted on training images that were set aside, divides the logits. It lowers the
    log loss a little, and not the calibration error, which is small before. The images of FER2013
    were found by a search engine on the web; ``docs/pretrained_fer2013.md`` describes
    the data, the accuracy of each class, and the limits of the model.

    Examples
    --------
    >>> from sk_fer import load_pretrained
    >>> model = load_pretrained("fer2013")
    >>> model.classes_.tolist()
    ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise']
    """
    path = shipped_file(name)
    with warnings.catch_warnings():
        # The tests check the predictions of this model in each version of sk_fer.
        warnings.filterwarnings("ignore", message="This FER.* was written by sk_fer")
        return rebuilt(load_model(path), device="auto", precision="auto")
