"""JupyterLab in a real browser: a tutorial runs, a slider moves a picture, the stop button stops.

Chromium is Debian's (``apt-get install chromium``), driven by Playwright, without a window; nothing
but this machine is reached.
"""

import re
import shutil
from urllib.parse import urlsplit

import pytest

from tests.jupyter_server import server  # noqa: F401
from tests.stopping import PATIENCE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
MILLISECONDS = 1000 * PATIENCE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

NOTEBOOK = "01_kondo_mapping.ipynb"
EXPLORER = ".kadanoff-explorer"
STATUS = f"{EXPLORER} .kadanoff-status"
IMAGE = f"{EXPLORER} img"

# Minutes, in blocks that take a tenth of a second each. Nobody waits for it.
LONG = 'kd.nrg.solve(aim, keep=6000, Lambda=1.8, symmetry=("U1", "U1"))'

READY = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
}"""
INSERT = """source => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const at = notebook.widgets.length;
    notebook.model.sharedModel.insertCell(at, {cell_type: 'code', source});
    notebook.activeCellIndex = at;
    return at;
}"""
RUN = """async at => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = at;
    await jupyterapp.commands.execute('notebook:run-cell');
    return notebook.widgets[at].model.outputs.toJSON();
}"""
CODE = """() => jupyterapp.shell.currentWidget.content.widgets
    .map((cell, at) => [cell.model.type, at]).filter(([type]) => type === 'code')
    .map(([, at]) => at)"""
# A kernel that is busy may still be with an earlier message, and an interrupt is lost on that.
SHOWN = """at => jupyterapp.shell.currentWidget.content.widgets[at].model.outputs.length > 0"""
# Every new picture of the explorer, with the time at which it arrived.
WATCH = """selector => {
    window.pictures = [];
    const image = document.querySelector(selector);
    new MutationObserver(() => window.pictures.push(performance.now()))
        .observe(image, {attributes: true, attributeFilter: ['src']});
}"""


class Lab:
    """One page of JupyterLab, and what went wrong on it."""

    def __init__(self, page):
        self.page = page
        self.errors = []
        page.set_default_timeout(MILLISECONDS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route("**/*", self.local)

    def local(self, route):
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost"):
            route.continue_()
        else:
            route.abort()

    def open(self, url, token, notebook):
        """From the list of contents, as a person does."""
        self.page.goto(f"{url}lab?token={token}")
        self.page.locator(".jp-DirListing-itemText", has_text=notebook).dblclick()
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
        self.page.evaluate(READY)

    def run(self, at):
        outputs = self.page.evaluate(RUN, at)
        assert [o for o in outputs if o["output_type"] == "error"] == []
        return outputs

    def insert(self, source):
        return self.page.evaluate(INSERT, source)

    def drag(self, label, steps, *, by):
        """Move the handle of a slider with the mouse, `by` of its length in so many steps."""
        slider = self.page.locator(f"{EXPLORER} .widget-slider", has_text=label)
        assert slider.count() == 1, f"no slider {label!r}"  # at once, not after `PATIENCE`
        slider.scroll_into_view_if_needed()
        track = slider.locator(".noUi-base").bounding_box()
        handle = slider.locator(".noUi-handle").bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for step in range(1, steps + 1):
            self.page.mouse.move(x + by * track["width"] * step / steps, y)
            self.page.wait_for_timeout(30)
        self.page.mouse.up()


@pytest.fixture(scope="module")
def lab(server):  # noqa: F811
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            lab = Lab(browser.new_page(viewport={"width": 1400, "height": 1000}))
            lab.open(server.url, server.token, NOTEBOOK)
            yield lab
        finally:
            browser.close()


@pytest.fixture(scope="module")
def begun(lab):
    """The first three code cells of the tutorial: imports, options, the flow."""
    return [lab.run(at) for at in lab.page.evaluate(CODE)[:3]]


def test_the_first_cells_of_the_tutorial_run(lab, begun):
    assert any("image/png" in output.get("data", {}) for output in begun[-1])
    assert lab.errors == []


def test_a_slider_moves_the_picture(lab, begun):
    lab.run(lab.insert("explorer = kd.lab.explore_kondo()\nexplorer"))
    page = lab.page
    page.locator(STATUS, has_text="fine").wait_for()
    before = page.locator(IMAGE).screenshot()
    page.evaluate(WATCH, IMAGE)
    lab.drag("8V²", 30, by=0.3)
    while_dragging = len(page.evaluate("window.pictures"))
    page.locator(STATUS, has_text="fine").wait_for()
    assert while_dragging >= 2  # it follows, not only arrives
    assert page.locator(IMAGE).screenshot() != before
    assert "Error" not in page.locator(STATUS).inner_text()
    assert lab.errors == []
    lab.run(lab.insert("assert explorer.sliders['J_sw'].value > 0.3\nexplorer.close()"))


# Their fine pictures take too long for a walk to all ends; the coarse ones are drawn alike.
WALKS = {
    "explore_kondo": "D=1000",
    "explore_dot": "",
    "explore_spectrum": "",
    "explore_rsmi": "",
    "explore_mott": "'ipt', beta=20",
    "explore_transport": "D=1000",
    "explore_leads": "",
    "explore_potts": "L=16",
    "explore": "lambda x, n, on: {'a x': [0, x, n * on]}, x=(0.0, 1.0), n=(1, 4, 1), on=True",
}
MAKE = """explorer = kd.lab.{name}({given})
explorer.latest._pause = 3600.0  # coarse pictures only
explorer"""
THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
NATURAL = f"() => document.querySelector('{IMAGE}').naturalWidth"


class Console:
    """What a page writes as an error while a test lasts."""

    def __init__(self, page):
        self.lines = []
        self.page = page

    def __enter__(self):
        self.page.on("console", self.note)
        return self

    def __exit__(self, *exception):
        self.page.remove_listener("console", self.note)

    def note(self, line):
        if line.type == "error":
            self.lines.append(line.text)


def moved(page, handle, key):
    """Whether a key moved a slider; waits for the picture of its new value."""
    image = page.locator(IMAGE)
    place = handle.get_attribute("aria-valuenow")
    before = image.get_attribute("alt")
    handle.press(key)
    if handle.get_attribute("aria-valuenow") == place:
        return False
    for _ in range(int(33 * PATIENCE)):
        if "Error" in page.locator(STATUS).inner_text():
            pytest.fail(page.locator(STATUS).inner_text())
        if image.get_attribute("alt") != before:  # it names the value
            return True
        page.wait_for_timeout(30)
    return pytest.fail(f"no picture after {PATIENCE} s")


@pytest.mark.parametrize("name", WALKS)
def test_every_slider_reaches_both_ends(lab, begun, name):
    """Pictures at both ends, labelled controls, the dark theme and a narrow window."""
    page = lab.page
    with Console(page) as console:
        lab.run(lab.insert(MAKE.format(name=name, given=WALKS[name])))
        page.locator(STATUS, has_text=re.compile("coarse|fine")).wait_for()
        handles = page.locator(f"{EXPLORER} .noUi-handle")
        assert handles.count() >= 1
        for handle in handles.all():
            assert handle.get_attribute("aria-label")
            assert sum(moved(page, handle, key) for key in ENDS) >= 1
            assert handle.get_attribute("aria-valuetext")
        for box in page.locator(f"{EXPLORER} select, {EXPLORER} input").all():
            assert box.get_attribute("aria-label")
        dark_and_narrow(page)
        lab.run(lab.insert("assert explorer.error is None\nexplorer.close()"))
        page.locator(EXPLORER).wait_for(state="detached")
    assert console.lines == []
    assert lab.errors == []


ENDS = ("Home", "End")


def dark_and_narrow(page):
    image = page.locator(IMAGE)
    assert image.get_attribute("alt")
    assert page.locator(f"{EXPLORER} .kadanoff-code pre").text_content().startswith("from kadanoff")
    filters = "node => getComputedStyle(node).filter"
    assert image.evaluate(filters) == "none"
    page.evaluate(THEME, "JupyterLab Dark")
    page.locator(f"{EXPLORER} .kadanoff-view.dark").wait_for()
    assert "invert" in image.evaluate(filters)
    page.evaluate(THEME, "JupyterLab Light")
    page.locator(f"{EXPLORER} .kadanoff-view:not(.dark)").wait_for()
    page.set_viewport_size({"width": 520, "height": 1000})
    # Two pixels per pixel of the page, 460 wide in the layout for a narrow column. A figure of the
    # user is only scaled.
    page.wait_for_function(f"({NATURAL})() === 920")
    box, column = image.bounding_box(), page.locator(EXPLORER).bounding_box()
    assert box["x"] + box["width"] <= column["x"] + column["width"] + 1
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.wait_for_function(f"({NATURAL})() > 920")


def test_the_dashboard_opens_every_tab(lab, begun):
    page = lab.page
    with Console(page) as console:
        lab.run(lab.insert("board = kd.lab.dashboard()\nboard"))
        tabs = page.locator(".kadanoff-dashboard .lm-TabBar-tab")
        assert tabs.count() == 10
        for tab in tabs.all():
            tab.click()
            # Of the visible one: a picture or a canvas.
            page.locator(f"{EXPLORER} img[src]:visible, {EXPLORER} canvas:visible").first.wait_for()
        lab.run(lab.insert("assert len(board.explorers) == 10\nboard.close()"))
    assert console.lines == []
    assert lab.errors == []


@pytest.mark.parametrize("name", ["explore_blocks", "explore_dimers"])
def test_a_lattice_lives_on_its_canvas(lab, begun, name):
    page = lab.page
    lab.run(lab.insert(f"live = kd.lab.{name}()\nlive"))
    frames = f"() => document.querySelector('{EXPLORER} .kadanoff-lattice')?.dataset.frames"
    page.wait_for_function(f"({frames})() > 0")
    first = page.evaluate(frames)
    page.wait_for_function(f"({frames})() !== '{first}'")
    before = page.locator(f"{EXPLORER} canvas").first.screenshot()
    for _ in range(1000):  # a canvas that stands still fails here
        if page.locator(f"{EXPLORER} canvas").first.screenshot() != before:
            break
        page.wait_for_timeout(30)
    else:
        pytest.fail("the canvas shows the same picture")
    assert page.locator(STATUS, has_text="Error").count() == 0
    assert page.locator(f"{EXPLORER} canvas").first.get_attribute("aria-label")
    for handle in page.locator(f"{EXPLORER} .noUi-handle").all():
        assert handle.get_attribute("aria-label")
        for key in ENDS:  # the picture lives on at both ends
            handle.press(key)
            last = page.evaluate(frames)
            page.wait_for_function(f"({frames})() !== '{last}'")
    page.set_viewport_size({"width": 520, "height": 1000})
    page.wait_for_function(f"() => document.querySelector('{EXPLORER} canvas').clientWidth < 480")
    page.set_viewport_size({"width": 1400, "height": 1000})
    lab.run(lab.insert("live.close()"))
    page.locator(EXPLORER).wait_for(state="detached")
    assert lab.errors == []


def test_the_stop_button_stops_and_the_kernel_lives(lab, begun):
    page = lab.page
    lab.run(lab.insert("aim = kd.AndersonModel(U=0.5, J_sw=0.25)"))
    at = lab.insert(LONG)
    page.evaluate("source => { window.long = " + f"({RUN})(source); }}", at)
    page.wait_for_function(SHOWN, arg=at)  # its progress bar: the iteration has begun
    page.locator('.jp-NotebookPanel [data-command="notebook:interrupt-kernel"]').first.click()
    (error,) = [o for o in page.evaluate("window.long") if o["output_type"] == "error"]
    assert error["ename"] == "Cancelled"
    (output,) = lab.run(lab.insert("f'{aim.U:g} still here'"))
    assert "0.5 still here" in output["data"]["text/plain"]
    assert lab.errors == []
