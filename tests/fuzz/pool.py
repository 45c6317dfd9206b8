"""Children that make the calls: reused while they live, replaced when a call ends one."""

import contextlib
import json
import os
import queue
import selectors
import signal
import subprocess
import sys
import tempfile
import threading

from tests.paths import ROOT
from tests.stopping import PATIENCE

__all__ = ["run"]


class ChildDiedError(Exception):
    """The child ended, or said nothing for a long time."""


class Child:
    """One process and the lines that it says."""

    def __init__(self, folder):
        reading, writing = os.pipe()
        single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        path = os.pathsep.join([str(ROOT / "python"), str(ROOT)])
        own = {"PYTHONPATH": path, "MPLBACKEND": "Agg", "TMPDIR": folder, "HOME": folder}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 it lives as long as the child
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.child", str(writing)],
            cwd=folder, env=os.environ | single | own, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=self.errors, pass_fds=[writing], text=True,
        )  # fmt: skip
        os.close(writing)
        self.answers = os.fdopen(reading, "rb", buffering=0)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.answers, selectors.EVENT_READ)
        self.left = b""
        assert self.hear() == {"ready": True}

    def hear(self):
        """The next answer."""
        while b"\n" not in self.left:
            if not self.selector.select(timeout=PATIENCE):
                raise ChildDiedError("hangs without using the processor")
            more = self.answers.read(65536)
            if not more:
                code = self.process.wait()
                raise ChildDiedError(
                    signal.Signals(-code).name if code < 0 else f"exit code {code}"
                )
            self.left += more
        line, self.left = self.left.split(b"\n", 1)
        return json.loads(line)

    def ask(self, job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def last_words(self):
        self.errors.seek(0)
        return " | ".join(self.errors.read().splitlines()[-3:])

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.answers.close()
        self.selector.close()
        self.errors.close()


def run(jobs, processes=2, tell=None):
    """Make the calls of all jobs, ``{target: [(argument, kind), ...]}``.

    Returns a list of rows (target, argument, kind, verdict, text), and the targets without an
    example, each with the reason.
    """
    rows, without, waiting = [], {}, queue.SimpleQueue()
    for item in jobs.items():
        waiting.put(item)

    def serve():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            child = None
            while True:
                try:
                    target, calls = waiting.get_nowait()
                except queue.Empty:
                    break
                left = list(calls)
                while left:
                    child = child or Child(folder)
                    left, alive = one_job(child, target, left, rows, without)
                    if not alive:
                        child.end()
                        child = None
                if tell:
                    tell(target, [r for r in rows if r[0] == target])
            if child:
                child.end()

    servers = [threading.Thread(target=serve) for _ in range(processes)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    return sorted(rows), without


def one_job(child, target, calls, rows, without):
    """Calls that are left, and whether the child lives."""
    left, current = list(calls), None
    try:
        with contextlib.suppress(BrokenPipeError):
            child.ask({"target": target, "calls": left})
        while True:
            answer = child.hear()
            if "done" in answer:
                return [], True
            if answer.get("example"):
                without[target] = answer["example"]
            current = answer.get("start", current)
            if "call" in answer:
                left.remove(tuple(answer["call"]))
                rows.append((target, *answer["call"], answer["verdict"], answer["text"]))
    except ChildDiedError as death:
        if current in (None, "example"):
            without[target] = f"{death} {child.last_words()}"
            return [], False
        left.remove(tuple(current))
        verdict = "over the limit" if str(death) == "SIGXCPU" else "died"
        rows.append((target, *current, verdict, f"{death} {child.last_words()}"))
        return left, False
