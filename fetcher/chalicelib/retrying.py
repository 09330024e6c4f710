"""Trying again, on a schedule without chance: two feeds do not crowd a server, and tests can foresee it."""

from collections.abc import Callable

from shared.errors import UpstreamUnavailable


def persist[T](
    call: Callable[[float], T],
    *,
    attempts: int,
    backoff_seconds: float,
    left: Callable[[], float],
    sleep: Callable[[float], None],
) -> T:
    """Call with the seconds that are left, until it does not raise UpstreamUnavailable.

    Pauses `backoff_seconds`, then twice that, and so on, or as long as the server wants to be left alone. Raises the
    last UpstreamUnavailable, with the number of attempts, when they are used up or the time that is left would not
    outlast the next pause.
    """
    number = 1
    while True:
        try:
            return call(left())
        except UpstreamUnavailable as error:
            pause = max(backoff_seconds * 2 ** (number - 1), error.wait_seconds)
            if number >= attempts or pause >= left():
                times = "1 attempt" if number == 1 else f"{number} attempts"
                raise UpstreamUnavailable(f"{error} ({times})", wait_seconds=error.wait_seconds) from error
        sleep(pause)
        number += 1
