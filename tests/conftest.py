"""Two profiles of Hypothesis: short at the desk, long in CI (`CI` is set, or `HYPOTHESIS_PROFILE=ci`)."""

import os

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)
"""Files are large as examples go, and machines that run tests are busy."""

settings.register_profile("desk", max_examples=40, deadline=None, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile("ci", max_examples=400, deadline=None, suppress_health_check=_SLOW_IS_FINE, database=None)
settings.register_profile("night", max_examples=5000, deadline=None, suppress_health_check=_SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "desk"))
