"""For all tests: one thread, so that numbers and times do not depend on the machine's cores; signals as they were."""

import os
import signal

import pytest

from paribus import stopping

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def signal_handlers():
    """The command line's handlers end with the test that installed them."""
    former = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)
