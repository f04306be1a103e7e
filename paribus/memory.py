"""What the process does with memory that it has freed."""

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3  # the names of mallopt(3)
MIB = 2**20


def keep_freed() -> bool:
    """Have the C library keep freed memory for the next tensors, up to 2 GiB; whether it knows how.

    Otherwise it gives the memory of each step's activations back to the system, and every page that is asked for anew
    has to be cleared first (`python -m benchmarks.freed_memory`). Only glibc has these settings; numbers do not move.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = {MMAP_THRESHOLD: 32 * MIB, TRIM_THRESHOLD: 2048 * MIB - 1, TOP_PAD: 64 * MIB}  # 32 MiB: glibc's limit
    return all(mallopt(name, value) == 1 for name, value in settings.items())
