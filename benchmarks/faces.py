"""Detection and cropping of faces: what is found, and what a crop costs in accuracy.

    SK_FER_DATA=folder python benchmarks/faces.py [--only SECTION ...] [--images N] [--quick]

photos    both detectors on the photographs in scikit-image and on drawn scenes: faces that are
          found, missed and false, and seconds of processor time per photograph.
margin    the side of the crop relative to the box, with and without alignment, on Training images
          of FER2013 in scenes. `sk_fer.faces` has the values with the smallest loss.
recrop    the accuracy of the model of sk_fer on images of PublicTest and CK+48, and on crops of the
          faces that a detector finds in scenes with these images.
tilt      the loss for heads that are turned by some degrees, with and without alignment, on
          Training images.
whole     the fraction of images that are recognized as faces that are already cropped.

A scene is an image of a known crop, enlarged or not, at a random place of a gray ground or of a
photograph without a face, with twice its side. A face is found if the center of its box is in the
image. The loss is in percentage points of accuracy, on the images whose face is found. It is also
reported apart for crops that extend past the image by more than a tenth of its side: they contain
the hard edge to the scene, and lack what a photograph would show there. The script writes each
section to results/faces.json; other sections are not changed.
"""

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from _harness import RESULTS, command_line, data_folder, fer2013, machine, versions, write_json
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from sk_fer import load_pretrained
from sk_fer.datasets import load_ckplus, make_faces
from sk_fer.faces import DetectedFaces, FaceCropper, FaceDetector

SIZES = {"yunet": (64, 128, 256), "lbp": (128,)}
N_LBP = 1000  # it takes a tenth of a second per scene
MARGINS = (-0.067, -0.019, 0.0, 0.019, 0.038, 0.058, 0.1)
CROP = {"yunet": 1.04, "lbp": 1.1}
"""The side of the crop without a margin, relative to the geometric mean of those of the box."""
N_MARGIN = 1500
TILTS = (0, 10, 20, 30)

WITH_FACE = {"astronaut": (223, 118), "camera": (226, 157)}
"""The photographs with one face, and its center. That of the camera man is in profile."""
WITHOUT = (
    *("brick", "cat", "coffee", "coins", "grass", "gravel", "horse", "hubble_deep_field"),
    *("immunohistochemistry", "logo", "moon", "page", "retina", "rocket", "text"),
)
GROUNDS = ("brick", "cat", "coffee", "grass", "rocket")


class Scene(NamedTuple):
    """A picture with an image of a known crop: its position, its place and its side."""

    row: int
    left: int
    top: int
    side: int
    pixels: NDArray[np.uint8]


def scenes(images: NDArray[np.uint8], side: int, seed: int = 0) -> Iterator[Scene]:
    """Yield a scene for each image, two thirds of them on a photograph."""
    rng = np.random.default_rng(seed)
    grounds = [Image.fromarray(getattr(data, name)()).convert("RGB") for name in GROUNDS]
    whole = 2 * side
    for row, image in enumerate(images):
        pixels = np.full((whole, whole, 3), 128, np.uint8)
        if row % 3:
            ground = grounds[rng.integers(len(grounds))]
            factor = max(1.0, whole / min(ground.size))
            ground = ground.resize([int(n * factor) + 1 for n in ground.size])
            left, top = (int(rng.integers(0, n - whole + 1)) for n in ground.size)
            pixels = np.array(ground.crop((left, top, left + whole, top + whole)))
        left, top = (int(n) for n in rng.integers(0, whole - side + 1, 2))
        face = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
        pixels[top : top + side, left : left + side] = np.asarray(face)[..., None]
        yield Scene(row, left, top, side, pixels)


def photograph(name: str) -> NDArray[np.uint8]:
    """Return a picture of scikit-image, of which one is boolean."""
    picture = getattr(data, name)()
    return picture.astype(np.uint8) * 255 if picture.dtype == bool else picture


def found_in(scene: Scene, faces: Any) -> tuple[int | None, int]:
    """Return the position of the face in the image, and the number of other faces."""
    centers = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2 - (scene.left, scene.top)
    inside = ((centers > 0) & (centers < scene.side)).all(axis=1)
    return (int(np.flatnonzero(inside)[0]) if inside.any() else None), int((~inside).sum())


def photos(args: argparse.Namespace) -> dict[str, Any]:
    """Count the faces that both detectors find in photographs and drawn scenes."""
    drawn = make_faces(14 if args.quick else 70, random_state=0)[0].reshape(-1, 48, 48)
    result: dict[str, Any] = {}
    for name in args.detectors:
        search = FaceDetector(name).open()
        start = time.process_time()
        rows = {"with_face": {}, "without_face": {}}
        for photo, center in WITH_FACE.items():
            faces = search.find(photograph(photo))
            near = np.abs(faces.boxes[:, :2] + faces.boxes[:, 2:] / 2 - center).max(axis=1) < 25
            rows["with_face"][photo] = {"found": int(near.any()), "false": int((~near).sum())}
        for photo in WITHOUT[: 3 if args.quick else None]:
            rows["without_face"][photo] = {"false": len(search.find(photograph(photo)))}
        n_photos = len(rows["with_face"]) + len(rows["without_face"])
        seconds = (time.process_time() - start) / n_photos
        lfw = data.lfw_subset() if hasattr(data, "lfw_subset") else np.empty((0, 25, 25))
        lfw = (lfw[:: 20 if args.quick else 1] * 255).astype(np.uint8)
        hits = [len(search.find(_framed(image, 100))) for image in lfw]
        small = [found_in(scene, search.find(scene.pixels)) for scene in scenes(drawn, 128)]
        result[name] = {
            **rows,
            "lfw": {
                "found": int(np.count_nonzero(hits[: len(lfw) // 2])),
                "of": len(lfw) // 2,
                "false": int(np.count_nonzero(hits[len(lfw) // 2 :])),
                "of_no_faces": len(lfw) - len(lfw) // 2,
            },
            "drawn": {
                "found": sum(place is not None for place, _ in small),
                "of": len(small),
                "false": sum(others for _, others in small),
            },
            "cpu_seconds_per_photo": round(seconds, 3),
        }
        print(name, json.dumps(result[name]), flush=True)
    return result


def _framed(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a small gray image, enlarged on a gray ground of twice its side."""
    frame = np.full((2 * side, 2 * side), 128, np.uint8)
    enlarged = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    frame[side // 2 : side // 2 + side, side // 2 : side // 2 + side] = enlarged
    return frame


class Known(FaceDetector):
    """A detector that returns faces that were found before, in their order."""

    def __init__(self, faces: list[DetectedFaces]) -> None:
        self.faces = faces
        self.detector = faces[0].detector

    def open(self) -> Any:
        rest = iter(self.faces)
        self.find = lambda _: next(rest)
        return self


class Found(NamedTuple):
    """What a detector found in scenes: pictures, their faces, and which of them is in the image."""

    rows: NDArray[np.intp]
    pictures: list[NDArray[np.uint8]]
    faces: list[DetectedFaces]
    places: list[int]
    beyond: NDArray[np.float64]
    """How far the crops extend past the images, as fractions of their sides."""
    false: int

    def crops(self, **parameters: Any) -> NDArray[np.uint8]:
        """Return the crops of the faces in the images by a `FaceCropper`."""
        cropping = FaceCropper(detector=Known(self.faces), **parameters).open()
        pairs = zip(self.pictures, self.places, strict=True)
        return np.stack([cropping.find(picture)[1][place] for picture, place in pairs])


def find(name: str, images: NDArray[np.uint8], side: int) -> Found:
    """Find the faces in scenes with images."""
    search = FaceDetector(name).open()
    rows, pictures, kept, places, beyond, false = [], [], [], [], [], 0
    for scene in scenes(images, side):
        faces = search.find(scene.pixels)
        place, others = found_in(scene, faces)
        false += others
        if place is None:
            continue
        rows.append(scene.row)
        pictures.append(np.array(Image.fromarray(scene.pixels).convert("L")))
        kept.append(faces)
        places.append(place)
        box = faces.boxes[place]
        center = box[:2] + box[2:] / 2 - (scene.left, scene.top) - side / 2
        crop = CROP[name] * np.sqrt(box[2] * box[3])
        beyond.append((np.abs(center).max() + crop / 2) / side - 0.5)
    return Found(np.array(rows, dtype=np.intp), pictures, kept, places, np.array(beyond), false)


def margin(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the loss for each margin of the crop, on Training images."""
    images, labels = _set("Training", args, args.images or N_MARGIN)
    model = load_pretrained()
    right = model.predict(images) == labels
    result: dict[str, Any] = {"n_images": len(images), "accuracy": round(float(right.mean()), 4)}
    for name in args.detectors:
        n_images = min(len(images), 500) if name == "lbp" else len(images)
        found = [find(name, images[:n_images], side) for side in SIZES[name][:2]]
        for align in (False, True) if name == "yunet" else (False,):
            for value in MARGINS:
                losses = []
                for part in found:
                    crops = part.crops(margin=value, align=align)
                    again = model.predict(crops) == labels[part.rows]
                    losses.append(100 * float(right[part.rows].mean() - again.mean()))
                side = round(CROP[name] * (1 + 2 * value), 3)
                loss = round(float(np.mean(losses)), 2)
                result.setdefault(name, []).append({"side": side, "align": align, "loss": loss})
                print(name, side, align, loss, flush=True)
    return result


def tilt(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the loss for turned heads, on Training images on a gray ground."""
    images, labels = _set("Training", args, args.images or 400)
    model = load_pretrained()
    right = model.predict(images) == labels
    search = FaceDetector("yunet").open()
    result: dict[str, Any] = {"n_images": len(images)}
    for degrees in TILTS:
        rows, pictures, found = [], [], []
        for row, image in enumerate(images):
            picture = Image.fromarray(_framed(image, 128))
            turned = np.array(picture.rotate(degrees if row % 2 else -degrees, fillcolor=128))
            faces = search.find(turned)
            if len(faces):
                rows.append(row)
                pictures.append(turned)
                found.append(faces)
        part = Found(
            np.array(rows, dtype=np.intp), pictures, found, [0] * len(rows), np.empty(0), 0
        )
        losses = {}
        for align in (False, True):
            again = model.predict(part.crops(align=align)) == labels[part.rows]
            losses[f"loss, align={align}"] = _percent(right[part.rows].astype(float) - again)
        result[f"{degrees} degrees"] = {"found": round(len(rows) / len(images), 4), **losses}
        print(degrees, result[f"{degrees} degrees"], flush=True)
    return result


def recrop(args: argparse.Namespace) -> dict[str, Any]:
    """Compare the accuracy on originals and crops."""
    model = load_pretrained()
    result: dict[str, Any] = {}
    for set_name in ("PublicTest", "CK+48"):
        images, labels = _set(set_name, args, args.images)
        known = np.isin(labels, model.classes_)  # CK+48 has a class that FER2013 has not
        images, labels = images[known], labels[known]
        for name in args.detectors:
            n_images = min(len(images), N_LBP) if name == "lbp" else len(images)
            right = model.predict(images[:n_images]) == labels[:n_images]
            rows_of_set, differences = [], []
            for side in SIZES[name]:
                found = find(name, images[:n_images], side)
                rows, beyond = found.rows, found.beyond
                again = model.predict(found.crops()) == labels[rows]
                difference = right[rows].astype(float) - again
                differences.append(np.bincount(rows, difference, n_images))
                rows_of_set.append(
                    {
                        "pixels": side,
                        "n_images": n_images,
                        "found": round(len(rows) / n_images, 4),
                        "false": found.false,
                        "accuracy_of_originals": round(float(right[rows].mean()), 4),
                        "accuracy_of_crops": round(float(again.mean()), 4),
                        "loss": round(100 * float(difference.mean()), 2),
                        "standard_error": round(
                            100 * float(difference.std() / np.sqrt(len(rows))), 2
                        ),
                        "beyond_a_tenth": round(float((beyond > 0.1).mean()), 4),
                        "loss_beyond": _percent(difference[beyond > 0.1]),
                        "loss_within": _percent(difference[beyond <= 0.1]),
                    }
                )
                print(set_name, name, rows_of_set[-1], flush=True)
            mean = np.mean(differences, axis=0)
            result[f"{set_name}, {name}"] = {
                "sizes": rows_of_set,
                "mean_loss": round(float(np.mean([row["loss"] for row in rows_of_set])), 2),
                "standard_error": round(100 * float(mean.std() / np.sqrt(n_images)), 2),
            }
    return result


def _percent(differences: NDArray[np.float64]) -> float | None:
    return round(100 * float(differences.mean()), 2) if len(differences) else None


def whole(args: argparse.Namespace) -> dict[str, Any]:
    """Count the images that are used whole."""
    n_images = args.images or 300
    sets = {name: _set(name, args, n_images)[0] for name in ("PublicTest", "CK+48")}
    result: dict[str, Any] = {}
    for name in args.detectors:
        cropping = FaceCropper(detector=name).open()
        for set_name, images in sets.items():
            for side in (48, 100, 224):
                enlarged = (Image.fromarray(image).resize((side, side)) for image in images)
                kinds = [_kind(cropping.find(image)[0]) for image in enlarged]
                result[f"{set_name} of {side} pixels, {name}"] = _shares(kinds)
            kinds = [_kind(cropping.find(s.pixels)[0]) for s in scenes(images, 96)]
            result[f"{set_name} in scenes, {name}"] = _shares(kinds)
        names = (*WITH_FACE, *WITHOUT)
        kinds = [_kind(cropping.find(photograph(photo))[0]) for photo in names]
        result[f"photographs, {name}"] = _shares(kinds)
        print(json.dumps(result), flush=True)
    return result


def _kind(faces: Any) -> str:
    if not len(faces):
        return "no face"
    return "whole" if faces.detector == "whole" else "found"


def _shares(kinds: list[str]) -> dict[str, float]:
    shares = {kind: kinds.count(kind) / len(kinds) for kind in ("whole", "found", "no face")}
    return {kind: round(share, 4) for kind, share in shares.items()}


def _set(
    name: str, args: argparse.Namespace, n_images: int | None
) -> tuple[NDArray[np.uint8], Any]:
    """Return images of 48 x 48 pixels in a random order, all or some of them."""
    if args.quick:
        images, labels = make_faces(70, random_state=0)
    elif name == "CK+48":
        images, labels = load_ckplus(data_folder() / name, return_X_y=True)
    else:
        images, labels = fer2013(name)
    rows = np.random.default_rng(0).permutation(len(images))[:n_images]
    return np.asarray(images).reshape(-1, 48, 48)[rows], np.asarray(labels)[rows]


SECTIONS = {"photos": photos, "margin": margin, "tilt": tilt, "recrop": recrop, "whole": whole}


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--detectors", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--images", type=int, help="images of each set (default: by section)")
    args = parser.parse_args()
    if args.quick:
        args.images = args.images or 12
    torch.set_num_threads(1)
    folder = args.out or (None if args.quick else RESULTS)
    path = folder / "faces.json" if folder else None
    for name in args.only:
        section = SECTIONS[name](args)
        if path is None:
            continue
        content = json.loads(path.read_text()) if path.exists() else {}
        about = {"machine": machine(), "versions": versions(), "threads": 1}
        content[name] = {**about, **content.get(name, {}), **about, **section}
        write_json(path, content)


if __name__ == "__main__":
    main()
