"""SIGINT and SIGTERM: a step that has begun is finished and committed first; asked twice, we leave at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the process to end; no handler of ordinary errors may swallow it."""

    def __init__(self, number: int):
        self.exit_code = 128 + number
        super().__init__(number)


def listen() -> None:
    """From now on a signal raises Stopped; the next one ends the process."""
    for number in SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, lambda again, frame: os._exit(128 + again))
    raise Stopped(number)


@contextmanager
def later() -> Iterator[None]:
    """A signal waits for the end of the block and does there what it would have done; a second one does it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:
            as_before()

    def as_before() -> None:
        for number, handler in former.items():
            signal.signal(number, handler)
        if asked:
            signal.raise_signal(asked[0])

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield
    finally:
        if signal.getsignal(SIGNALS[0]) is note:
            as_before()
