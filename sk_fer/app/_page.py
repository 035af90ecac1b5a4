"""The page, built with Gradio."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from sk_fer._version import __version__
from sk_fer.app._analyze import MAX_BYTES, MAX_PIXELS, Analyzer
from sk_fer.app._html import CSS, EMPTY, limits_html, problem_html, result_html
from sk_fer.datasets import make_faces

_Shown = tuple[str, bytes] | None
"""The name and the content of an image file, which a session keeps in memory."""

_SECONDS = 60  # a file of a page that was closed too early is deleted after this time


def make_app(models: Mapping[str, Any], folder: Path) -> Any:
    """Return the page as an ASGI application.

    Parameters
    ----------
    models : mapping of str to classifier
        The fitted classifiers, by the name that the page shows. The first one is used at first.
    folder : Path
        The folder for files that are being received. Each is deleted once it was read.
    """
    # Gradio reads these when it is imported, and when the page is built.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(folder))
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    gr, fastapi = _import_gradio()
    analyzers = {name: Analyzer(model) for name, model in models.items()}
    samples = drawn_samples()

    def show(photo: _Shown, model: str) -> str:
        if photo is None:
            return EMPTY
        try:
            return result_html(photo[0], analyzers[model](*photo))
        except ValueError as error:
            return problem_html(str(error))

    def choose(photo: _Shown, model: str) -> tuple[_Shown, str, None]:
        return photo, show(photo, model), None

    def receive(path: str | None, model: str) -> tuple[_Shown, str]:
        photo = None if path is None else (Path(path).name, Path(path).read_bytes())
        return photo, show(photo, model)

    def forget(path: str | None) -> None:
        if path is not None and Path(path).is_relative_to(folder):
            Path(path).unlink(missing_ok=True)

    with gr.Blocks(
        title="sk-fer", analytics_enabled=False, delete_cache=(_SECONDS, _SECONDS)
    ) as page:
        photo, result = gr.State(None), gr.HTML(EMPTY, render=False)
        gr.Markdown("# Facial expressions in a photograph")
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                names = list(analyzers)
                model = gr.Dropdown(names, value=names[0], label="Model")
                upload = gr.Image(
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "webcam"],
                    label="Photograph",
                    height=260,
                    buttons=[],
                )
                upload.preprocess = _path  # Gradio would open the file, with errors of its own
                gr.Markdown(
                    f"At most {MAX_BYTES / 2**20:g} MB and {MAX_PIXELS / 1e6:g} million pixels. "
                    "Photographs stay on the machine that runs `sk-fer serve`, which keeps no file."
                )
                gr.Markdown("Drawn faces, which differ from the photographs of the training:")
                with gr.Row():
                    for name, content in samples.items():
                        button = gr.Button(name, size="sm", min_width=80)
                        button.click(
                            partial(choose, (f"drawn {name} face", content)),
                            model,
                            [photo, result, upload],
                            api_visibility="private",
                        )
            with gr.Column(scale=2, min_width=300):
                result.render()
        gr.HTML(limits_html())
        received = upload.input(receive, [upload, model], [photo, result], api_name="receive")
        received.then(forget, upload, api_visibility="private", show_progress="hidden")
        model.change(show, [photo, model], result, api_visibility="private")
    page.queue(max_size=32)
    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", "version": __version__, "models": list(analyzers)}

    return gr.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        max_file_size=MAX_BYTES,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        theme=gr.themes.Default(  # names of fonts without files, which the browser has
            font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
        ),
        css=CSS,
    )


def drawn_samples() -> dict[str, bytes]:
    """Return a drawn face of each expression, as a PNG file."""
    X, y = make_faces(70, noise=0, occlusion=0, random_state=0)
    samples: dict[str, bytes] = {}
    for pixels, label in zip(X.reshape(-1, 48, 48), y.tolist(), strict=True):
        if label not in samples:
            file = BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            samples[label] = file.getvalue()
    return dict(sorted(samples.items()))


def _path(payload: Any) -> str | None:
    return None if payload is None else payload.path


def _import_gradio() -> tuple[Any, Any]:
    try:
        import fastapi
        import gradio
    except ImportError as error:
        raise ImportError(
            'the page requires Gradio; run pip install ".[app]" in the clone of sk_fer'
        ) from error
    return gradio, fastapi
