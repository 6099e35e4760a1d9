"""What a subject must not do to a run: hang, end the process, change everybody's configuration."""

import faulthandler
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import flax
import jax

_FRAMES = 12  # of the stack of a case that hangs, the innermost


class TimedOut(BaseException):
    """A case took too long; the message says where it was. No `except Exception` stops it."""


class ConfigurationLeaked(Exception):
    """A case left the configuration of JAX or Flax other than it was; the message says what."""


class ProcessEnded(Exception):
    """A case ended the process that it ran in."""


@contextmanager
def time_limit(seconds: float, stderr: int) -> Iterator[None]:
    """Ends what runs in it after so many seconds, if not 0; raises TimedOut with the stack.

    What does not come back to Python cannot be interrupted: after twice the time the process ends,
    with all stacks on the file descriptor `stderr`. Where there are no signals, or the thread is
    not the main one, that is all there is.
    """
    if not seconds:
        yield
        return

    def interrupt(_: int, frame: FrameType | None) -> None:
        stack = "".join(traceback.format_stack(frame)[-_FRAMES:])
        raise TimedOut(f"still running after {seconds:g} s, in\n{stack}")

    in_main = threading.current_thread() is threading.main_thread()
    has_signals = in_main and os.name == "posix"
    faulthandler.dump_traceback_later(2 * seconds + 1, exit=True, file=stderr)
    if has_signals:
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        if has_signals:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


@contextmanager
def same_configuration() -> Iterator[None]:
    """Holds the configuration of JAX and Flax the same; puts it back where it is not.

    Raises ConfigurationLeaked, unless something else was raised.
    """
    before = _configuration()
    try:
        yield
    finally:
        leaked = _put_back(before)
    if leaked:
        raise ConfigurationLeaked("\n".join(leaked))


def _configuration() -> list[tuple[Any, dict[str, Any]]]:
    return [(jax.config, dict(jax.config.values)), (flax.config, dict(flax.config._values))]


def _put_back(before: list[tuple[Any, dict[str, Any]]]) -> list[str]:
    leaked = []
    for (config, values), (_, found) in zip(before, _configuration(), strict=True):
        for name, value in values.items():
            if found[name] is not value and found[name] != value:
                leaked.append(f"{name} was {value!r}, is {found[name]!r}")
                config.update(name, value)
    return leaked
