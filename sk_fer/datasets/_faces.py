"""Drawn faces: the data set that needs no download."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch, check_random_state

from sk_fer._utils._constraints import Interval, validate_params

_Value = NDArray | float  # an array contains one value for each face, of shape (n, 1, 1)

# How far each expression moves each FACS action unit; the rest stay at zero.
_EXPRESSIONS = {
    "angry": {"brow_lowerer": 1.0, "lid_raiser": 0.1, "lid_tightener": 0.6, "lip_tightener": 1.0},
    "disgust": {
        "brow_lowerer": 0.6,
        "lid_tightener": 0.8,
        "nose_wrinkler": 1.0,
        "upper_lip_raiser": 1.0,
        "lip_corner_depressor": 0.4,
    },
    "fear": {
        "inner_brow_raiser": 1.0,
        "outer_brow_raiser": 0.3,
        "brow_lowerer": 0.4,
        "lid_raiser": 0.9,
        "lip_stretcher": 1.0,
        "jaw_drop": 0.3,
    },
    "happy": {"cheek_raiser": 0.8, "lip_corner_puller": 1.0, "jaw_drop": 0.3},
    "sad": {
        "inner_brow_raiser": 0.9,
        "brow_lowerer": 0.2,
        "lid_droop": 0.7,
        "lip_corner_depressor": 1.0,
    },
    "surprise": {
        "inner_brow_raiser": 1.0,
        "outer_brow_raiser": 1.0,
        "lid_raiser": 1.0,
        "jaw_drop": 1.0,
    },
    "neutral": {},
}
_ACTION_UNITS = sorted({unit for units in _EXPRESSIONS.values() for unit in units})

# Properties that differ between faces of any expression. Lengths are in half heights of the head,
# angles in radians, tones from 0 (black) to 1 (white).
_VARIATION = {
    # pose
    "shift_u": (-0.04, 0.04),
    "shift_v": (-0.04, 0.04),
    "roll": (-0.08, 0.08),
    "zoom": (0.92, 1.08),
    "yaw": (-0.12, 0.12),
    "pitch": (-0.08, 0.08),
    # identity
    "head_width": (0.68, 0.84),
    "jaw": (0.0, 0.3),
    "skin": (0.2, 0.9),
    "hair": (0.0, 1.0),
    "hair_cut": (-0.45, 1.5),
    "beard": (-0.5, 1.5),
    "hairline": (-1.0, -0.6),
    "eye_spacing": (0.28, 0.36),
    "eye_height": (-0.16, -0.04),
    "eye_size": (0.13, 0.17),
    "brow_height": (0.24, 0.32),
    "brow_width": (0.07, 0.12),
    "nose_length": (0.22, 0.36),
    "mouth_height": (0.48, 0.58),
    "mouth_width": (0.25, 0.33),
    "teeth": (0.02, 0.2),
    "lip_width": (0.05, 0.09),
    # scene
    "background": (0.1, 0.9),
    "clothes": (0.1, 0.9),
    "light_u": (-0.35, 0.35),
    "light_v": (-0.3, 0.2),
    "contrast": (0.6, 1.1),
    "gamma": (0.7, 1.5),
    # the expression's strength, and a hand that may hide a part of the face
    "strength": (0.45, 1.1),
    "hand_u": (-0.6, 0.6),
    "hand_v": (-0.1, 0.7),
    "hand_angle": (0.2, 2.9),
}

_PIXELS_AT_ONCE = 2**17  # the working set stays in the processor's cache


class _Canvas:
    """A batch of gray images with the coordinates of the heads on them.

    ``u`` runs to the viewer's right and ``v`` downwards from the middle of the head; ``face_u`` and
    ``face_v`` follow the features as the head turns.
    """

    def __init__(self, face: Bunch, size: int) -> None:
        unit = 0.41 * size * face.zoom
        x, y = np.meshgrid(*[np.arange(size, dtype=np.float32) - (size - 1) / 2] * 2)
        x, y = x / unit - face.shift_u, y / unit - face.shift_v
        cos, sin = np.cos(face.roll), np.sin(face.roll)
        self.u, self.v = cos * x + sin * y, cos * y - sin * x
        self.face_u = self.u - face.yaw * np.maximum(1 - self.u**2, 0)
        self.face_v = self.v - face.pitch * np.maximum(1 - self.v**2, 0)
        self.side_u = np.abs(self.face_u)  # paired features are drawn once, on both sides
        self.pixel = 1 / unit
        self.gray = np.broadcast_to(face.background, self.u.shape).copy()

    def paint(self, distance: NDArray, tone: _Value, opacity: _Value = 1.0) -> None:
        """Blend ``tone`` in where the signed ``distance`` to a shape is negative."""
        cover = np.clip(0.5 - distance / self.pixel, 0, 1) * opacity
        self.gray += cover * (tone - self.gray)


def _ellipse(u: NDArray, v: NDArray, radius_u: _Value, radius_v: _Value) -> NDArray:
    """Signed distance to an ellipse around the origin, near enough for its edge."""
    return (np.sqrt((u / radius_u) ** 2 + (v / radius_v) ** 2) - 1) * np.minimum(radius_u, radius_v)


def _stroke(
    u: NDArray, v: NDArray, start: tuple, end: tuple, bend: _Value, width: _Value
) -> NDArray:
    """Signed distance to a parabola from ``start`` to ``end`` that sags by ``bend`` half way."""
    (u0, v0), (u1, v1) = start, end
    t = np.clip((u - u0) / (u1 - u0), 0, 1)
    du = u - u0 - t * (u1 - u0)
    dv = v - v0 - t * (v1 - v0) - 4 * bend * t * (1 - t)
    return np.sqrt(du**2 + dv**2) - width / 2


def _draw_head(canvas: _Canvas, face: Bunch) -> None:
    u, v = canvas.u, canvas.v
    below = np.maximum(v, 0)
    canvas.paint(
        _ellipse(u, v + 0.1 + face.hair_cut * below, face.head_width + 0.12, 1.02), face.hair
    )
    canvas.paint(_ellipse(u, v - 1.9, 1.15, 0.75), face.clothes)
    canvas.paint(np.maximum(np.abs(u) - 0.34, np.abs(v - 0.9) - 0.4), face.skin * 0.8)
    canvas.paint(_ellipse(np.abs(u) - face.head_width, v + 0.02, 0.1, 0.17), face.skin * 0.85)
    chin = 1 + face.jaw * below**2
    skull = _ellipse(u * chin, v, face.head_width, 0.98)
    canvas.paint(skull, face.skin)
    beard = np.maximum(skull, 0.35 - 0.3 * canvas.face_u**2 - canvas.face_v)
    canvas.paint(beard, face.hair, np.clip(face.beard, 0, 0.9))


def _draw_hair(canvas: _Canvas, face: Bunch) -> None:
    scalp = _ellipse(canvas.u, canvas.v + 0.1, face.head_width + 0.08, 1.0)
    line = face.hairline + 0.35 * canvas.face_u**2 + face.fringe * (0.35 + 0.3 * canvas.face_u)
    canvas.paint(np.maximum(scalp, canvas.v - line), face.hair)


def _draw_brows(canvas: _Canvas, face: Bunch) -> None:
    base = face.eye_height - face.brow_height
    inner = base - 0.15 * face.inner_brow_raiser + 0.15 * face.brow_lowerer
    outer = base - 0.15 * face.outer_brow_raiser + 0.02 * face.inner_brow_raiser
    start = (face.eye_spacing - 0.18 - 0.05 * face.brow_lowerer, inner)
    end = (face.eye_spacing + 0.18, outer)
    brow = _stroke(canvas.side_u, canvas.face_v, start, end, -0.04, face.brow_width)
    contrast = face.hair - face.skin
    canvas.paint(brow, face.skin + np.copysign(np.maximum(np.abs(contrast), 0.3), contrast))


def _draw_eyes(canvas: _Canvas, face: Bunch) -> None:
    u, v = canvas.side_u - face.eye_spacing, canvas.face_v - face.eye_height
    size = face.eye_size
    closing = 0.4 * (face.lid_tightener + face.cheek_raiser) + 0.35 * face.lid_droop
    opening = size * np.clip(0.65 + 0.4 * face.lid_raiser - closing, 0.15, None)
    eye = _ellipse(u, v, size, opening)
    canvas.paint(eye, 0.95)
    canvas.paint(np.maximum(_ellipse(u, v, 0.6 * size, 0.6 * size), eye), 0.08)
    lid = _stroke(u, v, (-size, 0.0), (size, 0.0), -opening, 0.04)
    canvas.paint(lid, 0.35 * face.skin)


def _draw_nose(canvas: _Canvas, face: Bunch) -> None:
    u, v = canvas.side_u, canvas.face_v
    tip = face.eye_height + face.nose_length - 0.05 * face.nose_wrinkler
    canvas.paint(_stroke(u, v, (0.03, tip), (0.13, tip - 0.03), 0.02, 0.05), 0.55 * face.skin)
    wrinkle = _stroke(u, v, (0.02, tip - 0.2), (0.14, tip - 0.27), 0.0, 0.05)
    canvas.paint(wrinkle, 0.45 * face.skin, np.clip(face.nose_wrinkler, 0, 1))
    corner = (face.mouth_width + 0.14, face.mouth_height - 0.04)
    fold = _stroke(u, v, (0.17, tip), corner, -0.05, 0.045)
    pull = face.lip_corner_puller + 0.8 * face.upper_lip_raiser
    canvas.paint(fold, 0.65 * face.skin, np.clip(pull, 0, 1))


def _draw_mouth(canvas: _Canvas, face: Bunch) -> None:
    width = face.mouth_width * (
        1
        + 0.4 * face.lip_corner_puller
        + 0.45 * face.lip_stretcher
        - 0.35 * face.lip_tightener
        - 0.3 * face.jaw_drop
    )
    corner = 0.11 * (face.lip_corner_depressor - face.lip_corner_puller)
    t = canvas.face_u / width
    arch = np.maximum(1 - t**2, 0)
    v = canvas.face_v - face.mouth_height - corner * (1 - 2 * arch)
    round_arch = np.sqrt(arch)
    top = -(0.12 * face.upper_lip_raiser + 0.06 * face.jaw_drop) * round_arch
    bottom = (0.3 * face.jaw_drop + 0.04 * face.upper_lip_raiser) * round_arch
    inside = np.maximum(np.maximum(top - v, v - bottom), (np.abs(t) - 1) * width)
    canvas.paint(inside - face.lip_width * (1 - 0.4 * face.lip_tightener), 0.55 * face.skin)
    canvas.paint(inside - 0.015, 0.12)
    smile = face.lip_corner_puller + face.lip_stretcher + face.upper_lip_raiser
    canvas.paint(np.maximum(inside, v - top - face.teeth), 0.95, np.clip(smile, 0, 1))


def _draw_occluders(canvas: _Canvas, face: Bunch) -> None:
    u, v = canvas.side_u - face.eye_spacing, canvas.face_v - face.eye_height
    rim = np.abs(_ellipse(u, v, 0.24, 0.21)) - 0.025
    bridge = np.maximum(canvas.side_u - face.eye_spacing + 0.24, np.abs(v) - 0.03)
    canvas.paint(np.minimum(rim, bridge), 0.1, face.glasses)

    u, v = canvas.u - face.hand_u, canvas.v - face.hand_v
    cos, sin = np.cos(face.hand_angle), np.sin(face.hand_angle)
    along, across = cos * u + sin * v, cos * v - sin * u
    across -= 0.2 * np.clip(np.rint(across / 0.2), -1, 1)  # three fingers side by side
    finger = np.sqrt(np.minimum(along, 0) ** 2 + across**2) - 0.11
    canvas.paint(finger, face.skin * 0.6, face.hand)
    canvas.paint(finger + 0.03, face.skin * 0.95, face.hand)


def _draw_faces(face: Bunch, size: int) -> NDArray:
    """Gray images, about 0 to 1, of the faces whose parameters have the shape (n, 1, 1)."""
    canvas = _Canvas(face, size)
    _draw_head(canvas, face)
    _draw_brows(canvas, face)
    _draw_eyes(canvas, face)
    _draw_nose(canvas, face)
    _draw_mouth(canvas, face)
    _draw_hair(canvas, face)
    _draw_occluders(canvas, face)
    light = 1 + face.light_u * canvas.u + face.light_v * canvas.v
    gray = np.clip(canvas.gray * light, 0, 1) ** face.gamma
    return 0.5 + face.contrast * (gray - 0.5)


def _sample_faces(codes: NDArray, occlusion: float, rng: np.random.RandomState) -> Bunch:
    """Parameters of one face for each of the expression ``codes``."""
    n_samples = len(codes)
    face = Bunch(**{name: rng.uniform(*ends, n_samples) for name, ends in _VARIATION.items()})
    for unit in _ACTION_UNITS:
        level = np.array([units.get(unit, 0.0) for units in _EXPRESSIONS.values()])[codes]
        face[unit] = face.strength * level + rng.normal(0, 0.08, n_samples)
    occluder = np.where(rng.uniform(size=n_samples) < occlusion, rng.randint(3, size=n_samples), -1)
    for code, name in enumerate(["glasses", "hand", "fringe"]):
        face[name] = occluder == code
    return Bunch(**{name: values.astype(np.float32) for name, values in face.items()})


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "image_size": [Interval(Integral, 16, 1024, closed="both")],
        "noise": [Interval(Real, 0, 1, closed="both")],
        "occlusion": [Interval(Real, 0, 1, closed="both")],
        "return_X_y": ["boolean"],
        "random_state": ["random_state"],
    }
)
def make_faces(
    n_samples: int = 2000,
    *,
    image_size: int = 48,
    noise: float = 0.03,
    occlusion: float = 0.2,
    return_X_y: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.str_]] | Bunch:
    """Draw gray faces that show one of the seven expressions of FER2013.

    The expression moves the brows, eyes, nose and mouth. Its strength, the identity, pose, light,
    noise and occlusion are random. The classes are balanced: their sizes differ by one image at
    most.

    Parameters
    ----------
    n_samples : int, default=2000
        The number of images.
    image_size : int, default=48
        The height and width of an image in pixels, at least 16.
    noise : float, default=0.03
        The standard deviation of the Gaussian noise on the pixels, as a share of the range from
        black to white.
    occlusion : float, default=0.2
        The share of faces behind glasses, a hand or a fringe, each equally likely.
    return_X_y : bool, default=True
        Whether to return ``(X, y)`` instead of a Bunch.
    random_state : int, RandomState instance or None, default=None
        The seed of the faces and their order. Pass an int to get the same images in each call.

    Returns
    -------
    X : ndarray of shape (n_samples, image_size * image_size), dtype uint8
        The images, flat.
    y : ndarray of shape (n_samples,) of str
        The class names.
    bunch : :class:`~sklearn.utils.Bunch`
        Returned instead if `return_X_y` is False, with the attributes `data` and `target` (X and
        y), `images` (of shape (n_samples, image_size, image_size), in the same memory as `data`),
        `target_names` (list of str, the sorted names in the target) and `DESCR`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of its range.

    See Also
    --------
    load_fer2013 : Load photographs of the same seven expressions.
    sklearn.datasets.make_classification : Generate classes that are not images.

    Notes
    -----
    An expression is a set of action units of the Facial Action Coding System [1]_, by number:

    ========  =====================
    angry     4, 5, 7, 23
    disgust   4, 7, 9, 10, 15
    fear      1, 2, 4, 5, 20, 26
    happy     6, 12, 26
    sad       1, 4, 15, 41
    surprise  1, 2, 5, 26
    neutral   none
    ========  =====================

    The strength of each unit differs between faces, so that a weak expression can look like
    another one. Hair, brows and beards can be lighter or darker than the skin, and the head moves.
    A convolutional network can learn this, but a linear model on pixels cannot.

    References
    ----------
    .. [1] P. Ekman and W. V. Friesen, "Facial Action Coding System: A Technique for the
       Measurement of Facial Movement", Consulting Psychologists Press, 1978.

    Examples
    --------
    >>> from sk_fer.datasets import make_faces
    >>> X, y = make_faces(n_samples=70, random_state=0)
    >>> X.shape, X.dtype
    ((70, 2304), dtype('uint8'))
    >>> int((y == "happy").sum())
    10
    >>> faces = make_faces(n_samples=70, return_X_y=False, random_state=0)
    >>> faces.images.shape
    (70, 48, 48)
    """
    rng = check_random_state(random_state)

    codes = rng.permutation(np.arange(n_samples) % len(_EXPRESSIONS))
    faces = _sample_faces(codes, occlusion, rng)
    images = np.empty((n_samples, image_size, image_size), dtype=np.uint8)
    step = max(1, _PIXELS_AT_ONCE // image_size**2)
    for start in range(0, n_samples, step):
        rows = slice(start, start + step)
        gray = _draw_faces(
            Bunch(**{name: values[rows, None, None] for name, values in faces.items()}), image_size
        )
        gray += noise * rng.standard_normal(gray.shape)
        images[rows] = np.clip(255 * gray + 0.5, 0, 255)

    data, target = images.reshape(n_samples, -1), np.array(list(_EXPRESSIONS))[codes]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=images,
        target=target,
        target_names=np.unique(target).tolist(),
        DESCR=make_faces.__doc__,
    )
