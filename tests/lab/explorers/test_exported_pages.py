"""An explorer as one HTML page: its size, its grid, and how it moves without a kernel."""

import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import kadanoff as kd

ipywidgets = pytest.importorskip("ipywidgets", reason="needs pip install kadanoff[lab]")

from kadanoff.lab.explorers import exported_pages as exporting  # noqa: E402
from tests.stopping import PATIENCE  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: apt-get install chromium"
)


def waves(a, n=2, dark=False):
    """A function of a user, which fails at one place."""
    if a > 1.9 and dark:
        raise ValueError("a < 1.9 where it is dark: <b>not bold</b>")
    x = np.linspace(0, 6, 50)
    return {f"sin {n} a x": (x, np.sin(n * a * x))}


@pytest.fixture
def explorer():
    found = kd.lab.explore(waves, a=(0.0, 2.0), n=[1, 2], dark=False)
    yield found
    found.close()


def test_by_default_the_first_sliders_move(explorer):
    assert {k: len(v) for k, v in exporting.grid_of(explorer, None).items()} == {
        "a": 7, "n": 1, "dark": 1,
    }  # fmt: skip
    explorer.sliders["a"].value = 0.7
    grid = exporting.grid_of(explorer, {"a": 5, "n": [2, 1]})
    assert grid == {"a": [0.0, 0.7, 1.0, 1.5, 2.0], "n": [2, 1], "dark": [False]}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"points": 0}, ValueError, "points must be at least 1"),
        ({"points": {"b": 2}}, ValueError, "points has no slider 'b'"),
        ({"points": {"a": [3.0]}}, ValueError, "a must be at least 0 and at most 2"),
        ({"points": {"a": []}}, TypeError, "a number or a list of values"),
        ({"points": {"a": 999}}, ValueError, "at most 200"),
        ({"max_megabytes": 0.001}, ValueError, "about .* MB .* more than max_megabytes"),
        ({"stage": "best"}, ValueError, "stage must be"),
        ({"progress": 3}, TypeError, "progress must be"),
    ],
)
def test_wrong_options_are_refused(explorer, tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        kd.lab.export(explorer, tmp_path / "page.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_refusals_come_before_the_work(tmp_path):
    calls = []
    explorer = kd.lab.explore(
        lambda a, b, c: calls.append(a) or a, a=(0, 1.0), b=(0, 1.0), c=(0, 1.0)
    )
    explorer.latest.wait(PATIENCE)
    calls.clear()
    with pytest.raises(ValueError, match=r"8000 = 20 \(a\) x 20 \(b\) x 20 \(c\) pictures"):
        kd.lab.export(explorer, tmp_path / "page.html", points=20)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        kd.lab.export(explorer, tmp_path / "none" / "page.html")
    assert calls == []
    with pytest.raises(ValueError, match="MB"):
        kd.lab.export(explorer, tmp_path / "page.html", points=17, max_megabytes=0.1)
    assert len(calls) == 2  # the size is estimated from two pictures
    explorer.close()
    with pytest.raises(TypeError, match=r"explorer must be one of kd\.lab"):
        kd.lab.export(waves, tmp_path / "page.html")


def test_progress_and_cancelling(explorer, tmp_path):
    seen = []
    kd.lab.export(
        explorer, tmp_path / "page.html", points={"a": 3}, progress=lambda *x: seen.append(x)
    )
    assert seen == [(0, 3), (1, 3), (2, 3)]
    control = kd.Control()
    with pytest.raises(kd.Cancelled):
        kd.lab.export(
            explorer, tmp_path / "other.html", points={"a": 3}, control=control,
            progress=lambda done, total: done and control.cancel(),
        )  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_the_expected_size_is_that_of_the_page(explorer, tmp_path):
    path = kd.lab.export(explorer, tmp_path / "page.html", points={"a": 6})
    size = path.stat().st_size
    with pytest.raises(ValueError, match="about") as refused:
        kd.lab.export(explorer, tmp_path / "page.html", points={"a": 6}, max_megabytes=0.01)
    expected = float(str(refused.value).partition("about ")[2].split()[0])
    assert expected == pytest.approx(size / 1e6, rel=0.5)  # from two pictures of six


def test_pictures_are_the_same_text_for_the_same_data(explorer):
    one, two = (explorer.painter.svg(waves(1.0)) for _ in range(2))
    assert one == two
    ElementTree.fromstring(one)


@in_a_browser
@pytest.mark.browser
def test_a_page_moves_without_a_kernel_and_a_network(explorer, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    points = {"a": 3, "n": 2, "dark": 2}
    path = kd.lab.export(explorer, tmp_path / "waves.html", points=points)
    dot = kd.lab.explore_kondo(U=1.0, D=1000)
    kondo = kd.lab.export(dot, tmp_path / "kondo.html", points={"U": 2, "J_sw": 2}, stage="coarse")
    dot.close()
    lattice = kd.lab.explore_blocks(64, seed=1)
    ising = kd.lab.export(lattice, tmp_path / "ising.html", points=3)
    lattice.close()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        for page_path in (path, kondo, ising):
            _moves(browser, page_path)
        _shows_an_error_as_text(browser, path)
        _fits_a_telephone_in_the_dark(browser, kondo)
        browser.close()


class _Page:
    def __init__(self, browser, path, **options):
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.wrong = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda line: self.wrong.append(line.text))
        self.page.on(
            "request",
            lambda r: r.url.startswith(("file:", "blob:", "data:")) or self.wrong.append(r.url),
        )
        self.page.goto(path.as_uri())
        self.page.locator("body[data-state=shown]").wait_for()

    def loaded(self):
        self.page.wait_for_function("document.getElementById('picture').naturalWidth > 0")

    def close(self):
        assert self.wrong == []
        self.context.close()


def _moves(browser, path):
    """Both ends of every slider have pictures of their own."""
    shown = _Page(browser, path, viewport={"width": 1200, "height": 900})
    page = shown.page
    sliders = page.locator("input[type=range]")
    assert sliders.count() >= 1
    for slider in sliders.all():
        seen = set()
        for key in ("Home", "End"):
            slider.press(key)
            shown.loaded()
            seen.add((page.locator("#picture").get_attribute("alt"), slider.input_value()))
        assert len(seen) == 2
        assert slider.get_attribute("aria-label")
        assert slider.get_attribute("aria-valuetext") == slider.locator("+ output").inner_text()
    pictures = page.evaluate(
        """() => data.points.filter(p => !p.error).map(p => p.pictures[0].join())"""
    )
    assert len(set(pictures)) >= len(pictures) / 2  # `waves` does not look at one of its switches
    assert len(page.locator("#code").text_content()) > 20
    page.locator("#picture").screenshot()
    shown.close()


def _shows_an_error_as_text(browser, path):
    shown = _Page(browser, path, viewport={"width": 1200, "height": 900})
    page = shown.page
    page.locator("input[type=range]").press("End")
    page.locator("select").nth(1).select_option("1")
    assert "not bold" in page.locator("#error").inner_text()
    assert page.locator("#error b").count() == 0
    assert not page.locator("#picture").is_visible()
    page.locator("input[type=range]").press("Home")
    assert page.locator("#picture").is_visible()
    shown.close()


def _fits_a_telephone_in_the_dark(browser, path):
    shown = _Page(
        browser, path, viewport={"width": 360, "height": 740}, color_scheme="dark", has_touch=True
    )
    page = shown.page
    shown.loaded()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    size = page.evaluate(
        "() => { const i = document.getElementById('picture'); "
        "return [i.naturalWidth, i.naturalHeight]; }"
    )
    assert size[1] > 2 * size[0]  # panels below one another
    assert "invert" in page.evaluate("getComputedStyle(document.getElementById('picture')).filter")
    for box in page.locator("input[type=range], select").all():
        assert box.bounding_box()["height"] >= 28  # for a finger
    shown.close()
