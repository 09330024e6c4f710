"""Ending cleanly however a command is asked to: Ctrl-C, `kill`, or the terminal's closing."""

import signal
import types


def stop_cleanly() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, so that every `with` block is left in order.

    SIGINT is set as well: a shell starts what it puts into the background with SIGINT ignored.
    """

    def stop(number: int, _: types.FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
