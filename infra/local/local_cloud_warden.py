"""Runs one command for its parent, and ends it and removes its folder when the parent is gone, however it went.

Standard input is the lifeline: it ends when the parent closes it, and also when the parent is killed. A signal could
be missed and an exit handler does not run after `kill -9`; a pipe always ends. Standard output gets one line, the
process group of the command, which holds everything that the command started; what it prints goes to standard error.

    python -I -S local_cloud_warden.py FOLDER COMMAND [ARGUMENT...]
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

_PATIENCE_SECONDS = 3.0
"""How long the command may take to end by itself; what it holds is in memory and in the folder, so nothing is lost."""


def main(folder: str, command: list[str]) -> int:
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)  # they reach the parent, which then lets go of the lifeline
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=folder, process_group=0)
    try:
        print(child.pid, flush=True)
        _wait_for_either(child)
    finally:
        _end(child)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _wait_for_either(child: "subprocess.Popen[bytes]") -> None:
    """Until the parent lets go or the child has ended."""
    ended, alive_end = os.pipe()

    def watch() -> None:
        child.wait()
        os.close(alive_end)

    threading.Thread(target=watch, daemon=True).start()
    select.select([0, ended], [], [])


def _end(child: "subprocess.Popen[bytes]") -> None:
    _signal(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_PATIENCE_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _signal(child.pid, signal.SIGKILL) and time.monotonic() < deadline:
        time.sleep(0.01)  # what is left of the group still writes into the folder


def _signal(group: int, number: int) -> bool:
    """Whether the group has members left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
