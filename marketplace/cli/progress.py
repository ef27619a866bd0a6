"""What a long command is doing, as a line on stderr, and how it is stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

STOPPED: Final = 130
"""What a process answers that ended by Ctrl-C: 128 and the number of the signal."""

GRACE_SECONDS: Final = 0.5
"""How long Python has to come out of a library before the process is ended from outside it."""

_STEP_PERCENT: Final = 10
"""Where the line cannot be written over, a new one comes only after so much."""


class Line:
    """
    The line: a step, and the share of it that is done.

    On a terminal it is one line, written over and wiped away in the end; elsewhere a line for each step and for each
    further tenth of it. Unless it is asked for, it is shown on a terminal alone.
    """

    def __init__(self, wanted: bool | None) -> None:
        self._live = sys.stderr.isatty()
        self._shown = self._live if wanted is None else wanted
        self._step = ""
        self._said = 0

    def step(self, name: str) -> None:
        """Begin another step."""
        self._step, self._said = name, 0
        self._write(name)

    def __call__(self, done: int, of: int) -> None:
        """Say how much of the step is done; see `marketplace.solver.engines.Progress`."""
        percent = 100 * done // of if of else 100
        if percent < self._said:
            self._said = 0  # the step is gone over again
        if percent >= self._said + (1 if self._live else _STEP_PERCENT):
            self._said = percent if self._live else percent // _STEP_PERCENT * _STEP_PERCENT
            self._write(f"{self._step}: {self._said} %")

    def wipe(self) -> None:
        """Leave the terminal as it was."""
        if self._shown and self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
            sys.stderr.flush()


@contextmanager
def stoppable(farewell: str) -> Iterator[None]:
    """
    Let Ctrl-C end the block at once, even while a library computes that does not return to Python.

    The block sees KeyboardInterrupt where it can. A solver that is busy for a minute lets no exception in, but it lets other
    threads run: one of them is told of the signal by the system, waits a moment, then says ``farewell`` and ends the
    process with 130. So nothing that must be finished may be done in the block.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread, and so does whoever would stop this one
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    left = threading.Event()

    def watch() -> None:
        while told := os.read(reading, 1):
            if told[0] == signal.SIGINT and not left.wait(GRACE_SECONDS):
                os.write(2, f"\n{farewell}\n".encode())
                os._exit(STOPPED)

    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(before)
        os.close(writing)  # the watcher reads the end of the pipe
        watcher.join()
        os.close(reading)


@contextmanager
def hushed() -> Iterator[None]:
    """
    Let no library print on standard output in the block: HiGHS has lines that its own switch does not hold back.

    They would stand among the lines of the command, whose output others read. What Python prints is held back too.
    """
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what a library keeps in a buffer still goes where the block let it go
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no Ctrl-C into a block that is done whole or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
