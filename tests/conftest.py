"""For all tests: one thread, so that numbers and times do not depend on the machine's cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
