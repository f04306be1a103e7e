"""One contestant in a process of its own: it computes only when told to.

The first line on standard input is the settings as JSON. The contestant prepares and warms up, answers one line of JSON
(what is worth knowing about it), and then answers each further line (`go`) with one measurement. Its own code may print
what it likes: that goes to standard error.
"""

import importlib
import json
import os
import sys


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # progress bars and prints of the libraries must not get between the answers
    settings = json.loads(sys.stdin.readline())
    os.environ["OMP_NUM_THREADS"] = str(settings["threads"])  # before torch is imported
    import torch

    torch.set_num_threads(settings["threads"])
    torch.manual_seed(settings.get("seed", 0))
    module, _, name = settings["loop"].partition(":")
    measurements = getattr(importlib.import_module(f"benchmarks.{module}"), name or "epochs")(settings)
    answers.write(json.dumps(next(measurements)) + "\n")
    for _ in sys.stdin:
        answers.write(json.dumps(next(measurements)) + "\n")


if __name__ == "__main__":
    main()
