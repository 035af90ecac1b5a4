"""The page in Chromium: what it shows, and that it neither calls other hosts nor leaves files."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee

from sk_fer import FERDenseClassifier, save_model
from sk_fer.datasets import make_faces

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).parents[2]

# Writes the addresses of all connections that the server opens to a file.
SERVER = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        with open(os.environ["CONNECTIONS"], "a") as file:
            print(event, arguments[1] if event == "socket.connect" else arguments[0], file=file)

sys.addaudithook(watch)
from sk_fer._cli import main
main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    (folder / "cwd").mkdir()
    (folder / "tmp").mkdir()
    X, y = make_faces(70, random_state=0)
    model = FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X, y)
    save_model(model, folder / "small.skfer")
    return folder


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium with a drawn webcam, started by Playwright."""
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Debian's package chromium")
    options = (
        *("--no-sandbox", "--disable-dev-shm-usage"),
        *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
    )
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(chromium, folder):
    """The address of ``sk-fer serve``, which is ended by Ctrl-C after the tests."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, "serve", "--port", "0", str(folder / "small.skfer")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder / "cwd",
        env={
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder / "tmp"),
            "CONNECTIONS": str(folder / "connections"),
        },
    )
    words = process.stdout.readline().split()
    yield next(word for word in words if word.startswith("http://127.0.0.1:"))
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert printed == "sk-fer: the server has ended\n"
    assert errors == ""
    # torch makes an empty folder of this name
    assert [p.name for p in files_in(folder / "tmp") if "torchinductor" not in p.name] == []
    assert files_in(folder / "cwd") == []
    connections = folder / "connections"
    lines = connections.read_text().splitlines() if connections.exists() else []
    assert [line for line in lines if "127.0.0.1" not in line] == []


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def open_page(chromium, url):
    """A function that opens the page, and fails if it sends requests to other hosts."""
    contexts, seen = [], []

    def open_one(width=1280, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, permissions=["camera"], **options
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("request", lambda request: seen.append(request.url))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(url)
        page.wait_for_selector("input[type=file]", state="attached")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert len(seen) > 1
    assert [text for text in seen if not text.startswith((url, "data:", f"blob:{url}"))] == []


def upload(page, path, content=None):
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        Image.fromarray(content).save(path)
    page.set_input_files("input[type=file]", path)


def test_health(url, folder):
    with urllib.request.urlopen(f"{url}/health") as answer:
        content = json.load(answer)
    assert answer.status == 200
    assert content["status"] == "ok"
    assert content["models"] == [str(folder / "small.skfer"), "sk_fer, trained on FER2013"]


@pytest.mark.parametrize("width", [1280, 390])
def test_a_photograph_with_a_face(open_page, tmp_path, folder, width):
    page = open_page(width)
    upload(page, tmp_path / "photo.png", astronaut())
    page.wait_for_selector("text=Face 1: ")
    assert page.locator(".sk-fer .bar").count() == 7
    assert page.get_by_alt_text("The photograph with 1 face").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_text("An expression is not an emotion").is_visible()
    page.wait_for_function("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
    for _ in range(100):  # the uploaded file is deleted after it was read
        if not list((folder / "tmp").rglob("*.png")):
            break
        page.wait_for_timeout(100)
    else:
        raise AssertionError("the uploaded file was not deleted")


def test_without_a_face_and_with_another_model(open_page, tmp_path):
    page = open_page()
    upload(page, tmp_path / "photo.png", coffee())
    page.wait_for_selector("text=No face found")
    example = page.get_by_role("button", name="sad")
    answer = page.get_by_text("drawn sad face: used whole").first
    example.click()
    page.wait_for_timeout(2000)
    if not answer.count():  # Gradio may lose a click while it ends the answer before
        example.click()
    answer.wait_for()
    before = page.locator(".sk-fer table").inner_text()
    page.get_by_label("Model").click()
    page.get_by_role("option", name="sk_fer, trained on FER2013").click()
    page.wait_for_function(
        "(t) => document.querySelector('.sk-fer table').innerText != t", arg=before
    )
    assert page.get_by_text("drawn sad face").is_visible()


def test_the_webcam(open_page):
    page = open_page()
    page.get_by_label("Capture from camera").click()
    page.get_by_text("Click to Access Webcam").click()
    page.wait_for_function("document.querySelector('video')?.readyState >= 3")
    page.get_by_label("capture photo").click()
    page.wait_for_selector("text=/No face found|Face 1/")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nothing", "photo.png: not a readable image"),
        (np.zeros((7100, 7100), np.uint8), "7,100 x 7,100 pixels, expected at most 50 million"),
        (bytes(20 * 2**20 + 1), "exceed the maximum allowed size of 20"),
    ],
)
def test_files_that_are_refused(open_page, tmp_path, content, message):
    page = open_page()
    upload(page, tmp_path / "photo.png", content)
    page.wait_for_selector(f"text={message}")
