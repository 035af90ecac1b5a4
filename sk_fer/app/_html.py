"""The results and the limits as HTML. All texts are escaped, and pictures are data URLs."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from sk_fer.app._analyze import Analysis, Face
from sk_fer.estimators._predict_faces import NO_FACE
from sk_fer.persistence._model_facts import LIMITS

CSS = """
.sk-fer img { max-width: 100%; height: auto; display: block; border-radius: 4px; }
.sk-fer .photo { max-height: 60vh; margin: 0.5rem auto; }
.sk-fer .faces { display: flex; flex-wrap: wrap; gap: 1rem; }
.sk-fer .face { flex: 1 1 300px; display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: start; }
.sk-fer .face h3 { flex-basis: 100%; margin: 0.5rem 0 0; }
.sk-fer .face figure { flex: 0 0 auto; margin: 0; max-width: 192px; }
.sk-fer figcaption { font-size: 0.8rem; }
.sk-fer table { flex: 1 1 180px; border-collapse: collapse; }
.sk-fer table, .sk-fer table :is(tr, th, td) { border: 0 !important; background: none !important; }
.sk-fer th, .sk-fer td { padding: 0.1rem 0.3rem; text-align: left; font-weight: 400; }
.sk-fer .bar { width: 55%; }
.sk-fer .bar div { background: #0078be; height: 0.9rem; min-width: 1px; border-radius: 2px; }
.sk-fer .share { text-align: right; font-variant-numeric: tabular-nums; }
.sk-fer .problem { border-left: 4px solid #c62828; padding: 0.5rem; overflow-wrap: anywhere; }
.sk-fer dt { font-weight: 600; margin-top: 0.4rem; }
.sk-fer dd { margin: 0; }
"""

EMPTY = '<div class="sk-fer"><p>Choose a photograph, or one of the drawn faces.</p></div>'


def result_html(name: str, analysis: Analysis) -> str:
    """Return the annotated photograph and the classes of its faces."""
    n_faces, whole = analysis.n_faces, analysis.detector == "whole"
    title = f"{n_faces} faces" if n_faces > 1 else "1 face" if n_faces else NO_FACE.capitalize()
    how = "used whole, as one cropped face" if whole else f"searched with {analysis.detector}"
    faces = "".join(_face(i, face) for i, face in enumerate(analysis.faces, 1))
    notes = "".join(f"<p>{escape(note)}</p>" for note in analysis.notes)
    return (
        f'<div class="sk-fer" role="status"><h2>{title}</h2><p>{escape(name)}: {how}.</p>'
        f'<img class="photo" alt="The photograph with {title.lower()}" '
        f'src="{_data_url(analysis.picture, "jpeg")}"><div class="faces">{faces}</div>{notes}</div>'
    )


def problem_html(message: str) -> str:
    """Return the reason why a photograph was not analyzed."""
    return f'<div class="sk-fer"><p class="problem" role="alert">{escape(message)}</p></div>'


def limits_html() -> str:
    """Return the limits of the models."""
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in LIMITS.items())
    return f'<section class="sk-fer"><h2>Limits of the models</h2><dl>{rows}</dl></section>'


def _face(number: int, face: Face) -> str:
    bars = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="bar"><div style="width:{share:.1%}">'
        f'</div></td><td class="share">{share:.0%}</td></tr>'
        for name, share in sorted(face.shares.items(), key=lambda item: -item[1])
    )
    figure = ""
    if face.saliency is not None:
        figure = (
            f'<figure><img alt="Saliency of face {number}" '
            f'src="{_data_url(face.saliency, "png")}"><figcaption>Saliency: the brighter a place, '
            f"the more {escape(face.label)} depends on it.</figcaption></figure>"
        )
    title = f"Face {number}: {escape(face.label)}"
    return f'<div class="face"><h3>{title}</h3>{figure}<table>{bars}</table></div>'


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
