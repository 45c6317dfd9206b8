"""The live pages in a headless browser, from the disk, without a network: see ``make web``.

What the module in the page computes is compared with the extension, every slider is moved to
both of its ends by the keyboard, and nothing may appear on the console.
"""

import math
import shutil

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.effective.smooth_curve import SmoothCurve
from kadanoff.rbm import Machine
from tests.stopping import PATIENCE
from tools import live

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
BUILT = all((live.PLACE / f"{name}.html").is_file() for name in live.PAGES)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
    pytest.mark.skipif(not BUILT, reason="needs the live pages: make web"),
]

IMAGE = "body[data-pictures]:not([data-pictures='0'])"
NUMBERS = """async ([name, given, input]) => {
    const found = await window.core.call(name, given, input);
    return {numbers: Array.from(found.numbers), bytes: Array.from(found.bytes)};
}"""


class Page:
    """One page, and everything that went wrong on it or left it."""

    def __init__(self, browser, name, place, *, query="?seed=1", **options):
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.errors, self.requests = [], []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = (place / f"{name}.html").as_uri() + query
        self.page.goto(self.address)

    def pictures(self):
        return int(self.page.locator("body").get_attribute("data-pictures"))

    def next_picture(self):
        """Two pictures on: the first may have been asked for before."""
        wanted = self.pictures() + 2
        while self.pictures() < wanted and not self.failed():
            self.page.wait_for_timeout(20)

    def failed(self):
        return "error" in (self.page.locator(".status").get_attribute("class") or "").split()

    def settle(self, name):
        if name == "kondo":
            self.page.locator("body[data-stage=fine]").wait_for()
        else:
            self.next_picture()

    def call(self, name, *given, give=None):
        found = self.page.evaluate(NUMBERS, [name, list(given), give])
        return np.array(found["numbers"], dtype=float), np.array(found["bytes"], dtype=np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The pages of these sources, not those of an earlier build."""
    folder = tmp_path_factory.mktemp("live")
    live.build(folder)
    return folder


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def core(browser, place):
    """A page whose worker is asked for single functions; its own picture stands still."""
    page = Page(browser, "dimers", place)
    page.page.locator(IMAGE).wait_for()
    page.page.locator("#pause").click()
    yield page
    page.context.close()


@pytest.mark.parametrize("name", live.PAGES)
def test_a_page_shows_pictures_and_both_ends_of_every_slider(browser, place, name):
    page = Page(browser, name, place, viewport={"width": 1000, "height": 900})
    page.page.locator(IMAGE).wait_for()
    sliders = page.page.locator("input[type=range]")
    assert sliders.count() >= 2
    for slider in sliders.all():
        for key in ("Home", "End"):
            slider.press(key)
            page.settle(name)
            assert not page.failed(), page.page.locator(".status").inner_text()
        slider.press("ArrowLeft")
    for choice in page.page.locator("select").all():
        for value in choice.locator("option").evaluate_all("all => all.map(o => o.value)"):
            choice.select_option(value)
            page.settle(name)
            assert not page.failed(), page.page.locator(".status").inner_text()
    assert "NaN" not in page.page.locator("main").inner_text()
    assert page.errors == []
    outside = [url for url in page.requests if not url.startswith(("file:", "blob:", "data:"))]
    assert outside == []
    assert page.requests.count(page.address) == 1
    page.context.close()


@pytest.mark.parametrize("name", live.PAGES)
def test_a_narrow_dark_screen_holds_a_page(browser, place, name):
    size = {"width": 360, "height": 740}
    page = Page(browser, name, place, viewport=size, color_scheme="dark", has_touch=True)
    page.page.locator(IMAGE).wait_for()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    dark = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(x) for x in dark.removeprefix("rgb(").rstrip(")").split(",")) < 60
    # What is touched is large enough for a finger.
    for box in page.page.locator("input[type=range], button").all():
        assert box.bounding_box()["height"] >= 28
    assert page.errors == []
    page.context.close()


def test_a_browser_that_cannot_compute_gets_a_sentence_and_a_picture(browser, place):
    page = Page(browser, "kondo", place, query="?still=1")
    page.page.get_by_text("This browser lacks one of them").wait_for()
    assert page.page.locator("#unsupported img").evaluate("image => image.naturalWidth") >= 300
    assert page.errors == []
    page.context.close()


@pytest.mark.parametrize("name", live.PAGES)
def test_the_lines_of_python_run(browser, place, name):
    page = Page(browser, name, place)
    page.page.locator(IMAGE).wait_for()
    exec(page.page.locator("#python").inner_text(), {})
    page.context.close()


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        (kd.KondoModel(J=0.4), (1, 0.4, 0, 0)),
        (kd.AndersonModel(U=0.5, J_sw=0.25), (0, 0.5, -0.25, 0.125)),
        (kd.AndersonModel(U=0.5, eps=-0.2, J_sw=0.25), (0, 0.5, -0.2, 0.125)),
    ],
)
def test_nrg_is_that_of_the_extension(core, model, arguments):
    numbers, _ = core.call("impurity_solve", *arguments, 2.5, 80, 24, 8)
    shells, points, levels = map(int, numbers[:3])
    run = kd.nrg.solve(model, Lambda=2.5, keep_multiplets=80, sites=24, errors=False)
    scale, rest = np.split(numbers[4:], [shells])
    T, entropy, T_chi, flow = np.split(rest, [points, 2 * points, 3 * points])
    energies, scales = run.flow(levels)
    # Rounding errors of eigenvalues of order 10, in units of the scale.
    np.testing.assert_allclose(scale, scales, rtol=1e-14)
    np.testing.assert_allclose(flow.reshape(shells, levels), energies, rtol=0, atol=1e-10)
    np.testing.assert_allclose(entropy, SmoothCurve(run, "entropy")(T), rtol=0, atol=1e-10)
    np.testing.assert_allclose(T_chi, SmoothCurve(run, "T_chi")(T), rtol=0, atol=1e-10)


def test_the_learned_coupling_is_that_of_the_extension(core):
    options = {"Lambda": 2.5, "keep_multiplets": 80}
    dot = kd.AndersonModel(U=0.5, J_sw=0.25)
    numbers, _ = core.call("impurity_learn", 0.5, -0.25, 0.125, 2.5, 80, 1e-4, 0.25)
    fit = kd.effective.learn(kd.KondoModel(J=0.25), target=dot, T=1e-4, **options)
    assert numbers[0] == pytest.approx(fit.model.J, rel=1e-10)
    assert numbers[1] == pytest.approx(fit.target_values[0], abs=1e-10)
    assert (len(numbers) - 3) // 2 == len(fit.history)


@pytest.mark.parametrize("L", [64, 96])
def test_the_same_seed_gives_the_same_spins(core, L):
    core.call("ising_new", L, 2.3, 0.1, 0, 7)
    core.call("ising_sweep", 50, 1)
    _, packed = core.call("ising_picture", 2)
    live_lattice = kd.ising.Simulation(L=L, T=2.3, h=0.1, seed=7)
    live_lattice.sweep(50)
    levels = [live_lattice.spins]
    majority = kd.blockspin.Majority(ties="corner")
    for _ in range(2):
        levels.append(majority.apply(levels[-1]))
    bits = [np.packbits(level.ravel() > 0, bitorder="little") for level in levels]
    np.testing.assert_array_equal(packed, np.concatenate(bits))


def test_exact_values_of_the_ising_model(core):
    for T in (1.0, 2.0, kd.ising.T_c, 2.5, 5.0):
        energy, magnetisation = core.call("ising_exact", T)[0]
        exact = kd.ising.exact(None, T=T)
        assert energy == pytest.approx(exact.e, abs=1e-12)
        assert magnetisation == pytest.approx(exact.m, abs=1e-12)


def test_the_same_seed_gives_the_same_dimers(core):
    core.call("dimers_new", 16, -1 / 0.7, 3)
    series, _ = core.call("dimers_advance", 10, 5)
    numbers, directions = core.call("dimers_picture")
    moving = kd.dimers.Simulation(16, T=0.7, seed=3)
    moving.step(50)
    np.testing.assert_array_equal(directions.reshape(16, 16), moving.dimers)
    np.testing.assert_array_equal(numbers[3:].reshape(16, 16), moving.height())
    assert tuple(numbers[:2]) == moving.winding
    assert series[-1] == moving.flippable / 256


def test_counted_dimers_are_those_that_are_enumerated(core):
    mean, count = core.call("dimers_exact", 4, 0.0)[0]
    assert count == 272
    assert mean == pytest.approx(4 / 17)


def test_dimers_of_larger_tori_are_those_of_the_extension(browser, place):
    page = Page(browser, "dimers", place)
    for L in (16, 32, 64, 128):
        page.page.locator("#L").select_option(str(L))
        exact = 2 * kd.dimers.probability([(0, 0, "x"), (0, 1, "x")], L=L)
        page.page.locator("#rows", has_text=f"{exact:.5f}").wait_for()
    page.context.close()


def test_information_is_that_of_the_extension(core):
    filters = [[1, 0.4, 0.2, 0.6], [3, 3, 3, 3], [1, -1, 1, -1]]
    total = core.call("rsmi_new", 2.4, 1)[0]
    given = [x for weights in filters for x in [*weights, 0]]
    found, _ = core.call("rsmi_information", give=given)
    joint = kd.rsmi.torus(6, 2.4)
    assert total[0] == pytest.approx(joint.mutual_information, abs=1e-12)
    expected = [joint.information(np.reshape(weights, (2, 2))) for weights in filters]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    drawn, _ = core.call("rsmi_sample", 4000, give=[*filters[0], 0])
    # Clusters forget within a few steps: five errors of independent samples, twice as large.
    assert abs(drawn.mean() - expected[0]) < 10 * drawn.std() / math.sqrt(len(drawn))


def test_a_machine_is_that_of_the_extension(core):
    ring = np.roll(np.eye(6), 1, axis=0) + np.eye(6)
    biases = {"a": [0.1] * 6, "b": [-0.2] * 6}
    machine = Machine(0.8 * ring, **biases, visible="spin", hidden="spin")
    core.call("machine_new", 6, 6, 64, give=[0.1] * 6 + [-0.2] * 6 + (0.8 * ring).ravel().tolist())
    exact, _ = core.call("machine_exact")
    assert exact[0] == pytest.approx(machine.log_Z(), abs=1e-12)
    np.testing.assert_allclose(exact[1:], machine.probabilities(), rtol=0, atol=1e-12)
    _, rows = core.call("machine_sample", 100, 10, 100, 5)
    counts = np.bincount(rows[: 64 * 100], minlength=64) / 6400
    # 6400 nearly independent states: five standard errors of the most probable one.
    assert abs(counts - exact[1:]).max() < 5 * math.sqrt(exact[1:].max() / 6400)


def test_the_same_seed_gives_the_same_chains_of_a_machine(core):
    weights = np.random.default_rng(3).normal(size=(8, 5))
    core.call("machine_new", 8, 5, 70, give=[0.0] * 13 + weights.ravel().tolist())
    _, rows = core.call("machine_sample", 200, 1, 1, 5)
    start = np.full((70, 8), -1, dtype=np.int8)
    found = Machine(weights, visible="spin", hidden="spin").gibbs(start, sweeps=200, seed=5)
    layers = [np.packbits(x > 0, axis=1, bitorder="little").ravel() for x in (found.v, found.h)]
    np.testing.assert_array_equal(rows, np.concatenate(layers))


def test_bad_numbers_are_refused_with_a_sentence(core):
    for name, given in {
        "impurity_solve": (1, math.nan, 0, 0, 2.5, 80, 24, 8),
        "ising_new": (64, -1.0, 0, 0, 1),
        "dimers_new": (5, 0.0, 1),
        "rsmi_new": (0.0, 1),
    }.items():
        with pytest.raises(Exception, match=r"must|needs|above|even"):
            core.call(name, *given)


COVERAGE = """() => {
    let seed = 1;
    const uniform = () => (seed = (seed * 1664525 + 1013904223) >>> 0, (seed + 0.5) / 2 ** 32);
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const out = [];
    for (const tau of [0.1, 3, 30, 300]) for (const n of [200, 2000, 10000]) {
        const rho = Math.exp(-1 / tau), q = Math.sqrt(1 - rho * rho);
        let known = 0, wrong = 0;
        for (let run = 0; run < 60; run++) {
            const series = new Mean();
            let x = 5;  // far from equilibrium
            for (let i = 0; i < n; i++) { x = rho * x + q * normal(); series.add([x]); }
            const {mean, error} = series.estimate;
            if (Number.isFinite(error)) { known++; wrong += Math.abs(mean) > 3 * error; }
        }
        out.push([tau, n, known, wrong]);
    }
    return out;
}"""


def test_the_error_of_a_mean_covers_it_or_is_not_given(core):
    rows = core.page.evaluate(COVERAGE)
    known, wrong = (sum(row[k] for row in rows) for k in (2, 3))
    assert known > 150
    assert wrong <= 0.03 * known  # 0.3 % of a normal distribution, and blocks that remember
    for tau, n, known, _ in rows:
        if n > 500 * tau:
            assert known > 30, (tau, n)
        if n < 20 * tau:
            assert known == 0, (tau, n)
