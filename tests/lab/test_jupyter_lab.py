"""`make lab`: JupyterLab serves the notebooks, and a kernel of it runs their first cell."""

import json
import time
from urllib.error import HTTPError

import pytest

import kadanoff
from tests.jupyter_server import server  # noqa: F401
from tests.paths import ROOT
from tests.stopping import PATIENCE

NOTEBOOK = "01_kondo_mapping.ipynb"


def ready(client):
    """Wait for the kernel; the client takes a slow start for death."""
    for _ in range(100):
        try:
            return client.wait_for_ready(timeout=PATIENCE)
        except RuntimeError:
            time.sleep(0.5)
    pytest.fail("the kernel does not start")


@pytest.mark.slow
def test_the_notebooks_are_served_to_who_has_the_token(server):  # noqa: F811
    names = {entry["name"] for entry in json.loads(server.ask("api/contents"))["content"]}
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= names
    assert b"jupyter-config-data" in server.ask("lab")
    with pytest.raises(HTTPError, match="403") as refused:
        server.ask("api/contents", token="wrong")
    refused.value.close()


@pytest.mark.slow
def test_a_kernel_runs_the_first_cell(server):  # noqa: F811
    from jupyter_client.blocking import BlockingKernelClient

    content = json.loads(server.ask(f"api/contents/{NOTEBOOK}"))["content"]
    first = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    asked = {"path": NOTEBOOK, "name": NOTEBOOK, "type": "notebook", "kernel": {"name": "python3"}}
    kernel = json.loads(server.ask("api/sessions", asked))["kernel"]["id"]
    file = server.folder / "JUPYTER_RUNTIME_DIR" / f"kernel-{kernel}.json"
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.start_channels()
    try:
        ready(client)
        shown = []
        reply = client.execute_interactive(
            "".join(first["source"]) + "\nprint(kd.__version__, kd.__file__)",
            timeout=PATIENCE,
            output_hook=shown.append,
        )
    finally:
        client.stop_channels()
        server.ask(f"api/kernels/{kernel}", method="DELETE")
    assert reply["content"]["status"] == "ok", reply["content"]
    text = "".join(m["content"]["text"] for m in shown if m["msg_type"] == "stream")
    assert text.split() == [kadanoff.__version__, kadanoff.__file__]
