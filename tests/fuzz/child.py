"""One warm interpreter that makes bad calls, each under limits of CPU time and memory.

``python -m tests.fuzz.child FD``: jobs come as lines of JSON on the standard input, answers go to
the file descriptor FD. A job is a target with a list of (argument, kind); each call is announced
before it is made, so that the parent knows which one ended the process.
"""

import contextlib
import faulthandler
import json
import os
import random
import resource
import signal
import sys
import tempfile
import warnings

MEMORY = 6 * 2**30  # bytes of address space
SECONDS = 4.0  # of CPU time, beyond five times that of the good call
GRACE = 6  # seconds of CPU time more, after which the process is killed


class OverLimit(BaseException):
    """A call took more CPU time than it may."""


class Limit:
    """CPU time of one call: an exception first, a signal that kills after a grace."""

    hit = False

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        Limit.hit = False
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used + self.seconds) + GRACE, hard))
        signal.setitimer(signal.ITIMER_PROF, self.seconds, 1.0)
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_PROF, 0)


def over(*_):
    Limit.hit = True
    raise OverLimit


class Worker:
    """The jobs of one process."""

    def __init__(self, answers):
        from tests.fuzz import examples

        self.answers = answers
        self.targets = examples.targets()
        self.examples = {}

    def say(self, **answer):
        self.answers.write(json.dumps(answer) + "\n")
        self.answers.flush()

    def work(self, job):
        from tests.fuzz.examples import Example

        target = self.targets[job["target"]]
        self.say(start="example")
        with Limit(120.0):
            example, why = Example.of(target, self.targets)
        if example is None:
            self.say(example=why)
            return
        base, seconds = self.good(example)
        self.say(example="")
        for argument, kind in job["calls"]:
            self.say(start=[argument, kind])
            verdict, text = self.bad(example, argument, kind, base, SECONDS + 5 * seconds)
            self.say(call=[argument, kind], verdict=verdict, text=text[:400])

    def good(self, example):
        """The numbers of the good call and whether they are the same twice; its CPU time."""
        from tests.fuzz import verdict
        from tests.fuzz.examples import silence

        before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        with silence():
            found = [dict(verdict.leaves(example.target.call(example.fresh()))) for _ in range(2)]
        after = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        same = verdict.equal(*found)
        return (found[0], same), (after - before) / 2

    def bad(self, example, argument, kind, base, limit):
        from tests.fuzz import values, verdict

        arguments = example.fresh()
        good = arguments.get(argument, default(example.target, argument))
        try:
            value = values.bad_value(kind, good)
        except values.AbsentError:
            return "absent", ""
        called = put(example.target, arguments, argument, value)
        try:
            with Limit(limit), warnings.catch_warnings(record=True) as heard, muted():
                warnings.simplefilter("always")
                result = example.target.call(arguments)
                answer = verdict.of_result(result, kind, good, *base, warned=bool(heard))
        except OverLimit:
            answer = "over the limit", ""
        except BaseException as error:
            over = Limit.hit and not isinstance(error, ValueError | TypeError)
            answer = ("over the limit", "") if over else verdict.of_exception(error, called, value)
        close_figures()
        return answer


def default(target, argument):
    return next(p.default for p in target.parameters() if p.name == argument)


def put(target, arguments, argument, value):
    """Replace one argument, of ``*items`` and ``**items`` the first item; what it is called."""
    kind = next(p.kind for p in target.parameters() if p.name == argument)
    if kind.name == "VAR_POSITIONAL":
        arguments[argument] = (value, *arguments.get(argument, ())[1:])
    elif kind.name == "VAR_KEYWORD":
        held = dict(arguments.get(argument, {}))
        name = next(iter(held), "unknown")
        arguments[argument] = held | {name: value}
        return name
    else:
        arguments[argument] = value
    return argument


@contextlib.contextmanager
def muted():
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        yield


def close_figures():
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def main():
    from tests.fuzz.examples import KeptFolder

    faulthandler.enable()
    signal.signal(signal.SIGPROF, over)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tempfile.TemporaryDirectory = KeptFolder
    worker = Worker(os.fdopen(int(sys.argv[1]), "w"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    jobs = os.fdopen(os.dup(0), "r")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # a call that reads from descriptor 0 must find nothing
    worker.say(ready=True)
    for line in jobs:
        random.seed(1)
        worker.work(json.loads(line))
        worker.say(done=True)


if __name__ == "__main__":
    main()
