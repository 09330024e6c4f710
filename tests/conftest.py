"""How tests are run: the profiles of Hypothesis, which tests share a worker, and failures told as they come.

Of Hypothesis there are two profiles. The usual one tries the same examples each time: a test passes or fails by what
the code is, not by luck. `HYPOTHESIS_PROFILE=search` tries many new ones; `make proof SEED=n` leads other lives.
"""

import functools
import os
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)
"""Files are large as examples go, and machines that run tests are busy."""

_ALWAYS: dict[str, Any] = {"deadline": None, "suppress_health_check": _SLOW_IS_FINE}
settings.register_profile("repeated", max_examples=25, derandomize=True, **_ALWAYS)
settings.register_profile("search", max_examples=1000, **_ALWAYS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeated"))

_GROUP = re.compile(r'xdist_group\("([a-z]+)"\)')


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files are dealt out whole, and those of one `xdist_group` to one worker: a cloud is deployed to once.

    pytest-xdist 3.8 would do it with `--dist loadgroup`, but pytest 9.2 keeps node ids where it does not look.
    """
    from xdist.scheduler import LoadScopeScheduling  # deferred: it need not be installed

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda nodeid: _group(str(config.rootpath / nodeid.split("::", 1)[0]))
    return scheduler


@functools.cache
def _group(file: str) -> str:
    """The group that a file declares for all its tests; else the file itself."""
    with open(file, encoding="utf-8") as text:
        found = _GROUP.search(text.read())
    return found[1] if found else file


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How much the proofs have tried: the sum of the properties that they record."""
    tried = Counter[str]()
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.when == "call":
            tried.update({name: number for name, number in report.user_properties if isinstance(number, int)})
    if tried:
        terminalreporter.write_line("tried: " + ", ".join(f"{tried[name]:,} {name}" for name in sorted(tried)))


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A failure is told when it comes, in a line: a run that is cut short has said what it found."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        crash = getattr(report.longrepr, "reprcrash", None)
        print(f"\n{report.when} of {report.nodeid}: {crash.message[:500] if crash else 'failed'}", flush=True)
