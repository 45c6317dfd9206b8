"""The live pages in a headless Chromium, from the disk and without a network.

The pages are those that `make web` built. Times of the page itself: what a person waits for.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tools import live

Measured = dict[str, Any]
Measure = Callable[[int, int], list[Measured]]

PICTURE = "body[data-pictures]:not([data-pictures='0'])"
SOLVE = """async J => {
    const began = performance.now();
    await window.core.call("impurity_solve", [1, J, 0, 0, 2.5, 150, 40, 10]);
    return performance.now() - began;
}"""
SWEEPS = """async () => {
    const T = 2 / Math.log(1 + Math.SQRT2);
    await window.core.call("ising_new", [512, T, 0, 0, 1]);
    await window.core.call("ising_sweep", [100, 1]);
    const began = performance.now();
    await window.core.call("ising_sweep", [1000, 1]);
    return (performance.now() - began) / 1000;
}"""
# Milliseconds from picture to picture, over fifty of them.
PICTURES = """() => new Promise(done => {
    const first = Number(document.body.dataset.pictures), began = performance.now();
    const look = () => {
        const n = Number(document.body.dataset.pictures) - first;
        if (n < 50) requestAnimationFrame(look); else done((performance.now() - began) / n);
    };
    look();
})"""


@contextmanager
def _page(name: str) -> Iterator[Any]:
    """A page with its first picture, and the seconds that it took."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(offline=True).new_page()
        began = time.perf_counter()
        page.goto((live.PLACE / f"{name}.html").as_uri() + "?seed=1")
        page.locator(PICTURE).wait_for()
        page.seconds = time.perf_counter() - began
        yield page
        browser.close()


def first_picture(name: str) -> Measure:
    """From the address to the first picture."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        found = []
        for _ in range(repeats):
            with _page(name) as page:
                found.append({"seconds": page.seconds})
        return found

    return measure


def slider(threads: int, repeats: int) -> list[Measured]:
    """From a key on the slider of J_SW to the coarse picture."""
    found = []
    with _page("kondo") as page:
        page.locator("body[data-stage=fine]").wait_for()
        for _ in range(repeats):
            page.locator("#J").press("ArrowRight")
            page.locator("body[data-stage=coarse]").wait_for()
            milliseconds = page.locator("body").get_attribute("data-milliseconds")
            found.append({"seconds": float(milliseconds) / 1000})
            page.locator("body[data-stage=fine]").wait_for()
    return found


def kondo(threads: int, repeats: int) -> list[Measured]:
    """The Kondo model at 150 multiplets and 40 sites, asked from the page."""
    with _page("dimers") as page:
        page.locator("#pause").click()
        return [
            {"seconds": page.evaluate(SOLVE, 0.3 + 0.01 * i) / 1000} for i in range(repeats + 1)
        ][1:]


def sweep(threads: int, repeats: int) -> list[Measured]:
    """One sweep of 512 x 512 spins at T_c."""
    with _page("dimers") as page:
        page.locator("#pause").click()
        return [{"seconds": page.evaluate(SWEEPS) / 1000} for _ in range(repeats)]


def pictures(name: str, size: str) -> Measure:
    """From picture to picture."""

    def measure(threads: int, repeats: int) -> list[Measured]:
        with _page(name) as page:
            page.locator("#L").select_option(size)
            return [{"seconds": page.evaluate(PICTURES) / 1000} for _ in range(repeats)]

    return measure
