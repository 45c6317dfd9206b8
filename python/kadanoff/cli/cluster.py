"""Where the points of a job run: ``--cluster ADDRESS`` of a Dask scheduler, or this machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from kadanoff._base import checks

__all__ = ["executor", "options"]

WAIT = "60s"  # for the scheduler to answer


def options(parser: argparse.ArgumentParser) -> None:
    """``--cluster`` and ``--path``, which every job of many points takes."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="run the points on the workers of this Dask scheduler, such as tcp://login1:8786",
    )
    parser.add_argument(
        "--path", metavar="FOLDER", help="keep the points there, to continue an interrupted run"
    )


@contextmanager
def executor(address: str | None, threads: int | None = None) -> Iterator[Executor | None]:
    """The workers of a scheduler, `threads` of this machine, or None for all of them.

    Raises
    ------
    ImportError
        Dask is not installed.
    OSError
        No scheduler answers at the address.
    ValueError
        The scheduler has no worker.
    """
    if address is None:
        if threads is None:
            yield None
        else:
            with ThreadPoolExecutor(checks.whole("--threads", threads, least=1)) as pool:
                yield pool
        return
    try:
        import distributed
    except ImportError:
        raise ImportError("--cluster needs Dask: pip install distributed") from None
    open_client: Any = distributed.Client
    with open_client(address, timeout=WAIT, set_as_default=False) as client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise ValueError(
                f"the scheduler at {address} has no worker; start one: dask worker {address}"
            )
        with client.get_executor() as pool:
            yield pool
