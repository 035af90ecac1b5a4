"""The page of a report in Chromium, without a network, on a wide and on a phone screen."""

import shutil

import pytest

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium")

# The ratio of the luminance of each text to that of what is behind it, at least 4.5 in WCAG AA.
LOW_CONTRAST = """
() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("h1, h2, h3, p, li, td, th, a, dt, dd, caption, summary, " +
    "figcaption, figcaption span, code")].filter((element) => {
      const [a, b] = [channels(getComputedStyle(element).color), behind(element)].map(light);
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    }).map((element) => element.tagName + " " + element.textContent.slice(0, 40));
}
"""


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium, started by Playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Debian's package chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_report(chromium, report):
    """A function that opens the page, and fails for other requests, messages and errors."""
    contexts, seen = [], []

    def open_page(width, **options):
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: seen.append(request.url))
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(report.path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in seen if not url.startswith("data:image/png")] == [
        report.path.as_uri() for _ in contexts
    ]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_screen(open_report, width):
    page = open_report(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
    cells = page.locator("td, th").evaluate_all("cells => cells.map((c) => c.clientHeight)")
    assert max(cells) < 120  # no number is broken into letters
    regions = page.locator(".scroll, .plot").evaluate_all("all => all.map((e) => e.tabIndex)")
    assert set(regions) == {0}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_contrast_of_texts(open_report, scheme):
    page = open_report(1280, color_scheme=scheme)
    assert page.evaluate(LOW_CONTRAST) == []


def test_the_keyboard_reaches_the_content(open_report):
    page = open_report(1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None


def test_a_screen_reader_is_told_the_structure(open_report):
    tree = open_report(1280).locator("body").aria_snapshot()
    for line in (
        "- banner:",
        '- navigation "Contents":',
        "- main:",
        '- region "Scores":',
        '- columnheader "Recall"',
        '- rowheader "sad"',
        'img "The confusion matrix',
    ):
        assert line in tree


def test_the_page_prints(open_report, tmp_path):
    page = open_report(1280)
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    paper = page.pdf(format="A4")
    assert 3 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") <= 20
