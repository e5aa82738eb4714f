"""Fixtures for every test: `mongodb_url` and `open_page`; and the closing word on what was left out."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.leftout", "tests.support.mongod", "tests.support.browser"]

# How fast a machine is decides nothing. A CI run repeats the same examples; elsewhere every run looks for new ones.
settings.register_profile(
    "vizit",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("vizit")
