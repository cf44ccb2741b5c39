"""Signals that stop a command."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """SIGTERM has arrived. `SystemExit` is the only kind of exception that event loops let through from a signal
    handler.
    """


def stop(number: int, _frame: object) -> None:
    """Handle SIGTERM."""
    raise Stopped(128 + number)


def hang_up(_number: int, _frame: object) -> None:
    """Handle SIGHUP: stop when the terminal is closed."""
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def until_signal() -> Generator[None]:
    """Treat Ctrl-C and SIGTERM as a normal exit from the block, and ignore further signals during cleanup."""
    try:
        yield
    except (KeyboardInterrupt, Stopped):
        pass
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
