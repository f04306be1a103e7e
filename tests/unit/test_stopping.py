"""A signal waits for what has begun, and asked twice it does not."""

import signal

import pytest

from paribus import stopping


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_waits_for_the_end_of_the_block(number, code):
    stopping.listen()
    done = []
    with pytest.raises(stopping.Stopped) as caught, stopping.later():
        signal.raise_signal(number)
        done.append("the rest of the step")
    assert caught.value.exit_code == code and done


def test_without_a_signal_nothing_happens_and_outside_it_acts_at_once():
    stopping.listen()
    with stopping.later():
        pass
    with pytest.raises(stopping.Stopped):
        signal.raise_signal(signal.SIGTERM)


def test_a_second_signal_in_the_block_acts_at_once():
    stopping.listen()
    done = []
    with pytest.raises(stopping.Stopped), stopping.later():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the step")
    assert not done


def test_asked_again_the_process_leaves(monkeypatch):
    left = []
    monkeypatch.setattr(stopping.os, "_exit", left.append)
    stopping.listen()
    with pytest.raises(stopping.Stopped):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert left == [143]


def test_who_does_not_listen_gets_python_s_own_interrupt_at_the_end_of_the_block():
    done = []
    with pytest.raises(KeyboardInterrupt), stopping.later():
        signal.raise_signal(signal.SIGINT)
        done.append("the rest of the step")
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_failure_in_the_block_does_not_swallow_the_signal():
    stopping.listen()
    with pytest.raises(stopping.Stopped), stopping.later():
        signal.raise_signal(signal.SIGINT)
        raise KeyError
