"""JupyterLab as `make lab` starts it, on a free port of this machine, for tests that need one."""

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

import kadanoff
from tests.paths import ROOT
from tests.stopping import PATIENCE

# The application in the browser is a global there, so that a test can call its commands.
ARGUMENTS = "--no-browser --port=0 --ip=127.0.0.1 --LabApp.expose_app_in_browser=True"


def recipe():
    """The command of `make lab`, with the programs of this environment."""
    printed = subprocess.run(
        ["make", "--dry-run", "lab", f"LAB_ARGS={ARGUMENTS}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (line,) = (line for line in printed.splitlines() if "jupyter lab" in line)
    program, *arguments = shlex.split(line)
    return [str(Path(sys.executable).parent / Path(program).name), *arguments]


class Server:
    def __init__(self, folder, token):
        self.folder, self.token = folder, token
        self.log = (folder / "log").open("wb")
        own = {
            "JUPYTER_TOKEN": token,
            "JUPYTER_PREFER_ENV_PATH": "1",
            "KADANOFF_BUDGET": "quick",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # not that of the tests
            "PYTHONPATH": str(Path(kadanoff.__file__).parent.parent),
        }
        # Nothing is read from, or left in, the home of whoever runs the tests.
        for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
            own[name] = str(folder / name)
        self.process = subprocess.Popen(
            recipe(), cwd=ROOT, env=os.environ | own, stdout=self.log, stderr=subprocess.STDOUT
        )

    def wait(self):
        """Until it answers; its file in the runtime folder says where."""
        runtime = self.folder / "JUPYTER_RUNTIME_DIR"
        while self.process.poll() is None:
            for path in runtime.glob("jpserver-*.json"):
                try:
                    self.url = json.loads(path.read_text(encoding="utf-8"))["url"]
                    self.ask("api/status")
                except (OSError, ValueError):  # half written, or not listening yet
                    continue
                return self
            time.sleep(0.1)
        pytest.fail(f"no server:\n{(self.folder / 'log').read_text(encoding='utf-8')}")

    def ask(self, path, data=None, *, method=None, token=None):
        body = None if data is None else json.dumps(data).encode()
        headers = {"Authorization": f"token {token or self.token}"}
        request = Request(self.url + path, body, headers, method=method)
        with urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def close(self):
        self.process.terminate()  # the server ends its kernels
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not shutil.which("make"):
        pytest.skip("needs make")
    if not (Path(sys.executable).parent / "jupyter").exists():
        pytest.skip("needs JupyterLab: pip install kadanoff[lab]")
    server = Server(tmp_path_factory.mktemp("lab"), secrets.token_hex(16))
    try:
        yield server.wait()
    finally:
        server.close()
