"""Freed memory is kept: what is allocated next needs no new pages."""

import subprocess
import sys

import pytest

from paribus import memory

STEPS = """
import resource
import sys

import numpy as np

from paribus import memory

if sys.argv[1] == "keep":
    assert memory.keep_freed()

def step():
    return [np.ones(2**21) for _ in range(8)]  # 16 MiB each, all freed together

for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    said = subprocess.run([sys.executable, "-c", STEPS, how], capture_output=True, text=True, check=True)
    return int(said.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has these settings")
def test_steps_after_the_first_ask_for_no_new_memory():
    assert faults("keep") < 1000 < 20_000 < faults("plain")


def test_another_c_library_is_left_alone(monkeypatch):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(memory.ctypes, "CDLL", absent)
    assert memory.keep_freed() is False
