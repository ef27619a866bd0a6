"""What a library prints past Python does not stand among the lines of a command."""

import subprocess
import sys

import pytest

PRINTS = """
import contextlib, ctypes, os, sys
from marketplace.cli.progress import hushed

print("before")
with {block}:
    os.write(1, b"at once\\n")
    ctypes.CDLL(None).printf(b"from a buffer\\n")
print("after")
"""


def printed(block: str) -> str:
    """Return the standard output of a process in which a library prints in the block; not a terminal, so it is buffered."""
    done = subprocess.run(
        [sys.executable, "-c", PRINTS.format(block=block)], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_library_prints_nothing_among_the_lines_of_a_command():
    assert printed("hushed()") == "before\nafter\n"


@pytest.mark.parametrize("said", ["at once", "from a buffer"])
def test_without_it_both_would_stand_there(said: str):
    assert said in printed("contextlib.nullcontext()")
