"""Fixtures for every test: `database`, `open_page`, ...; no query may read a whole table; what was left out is told."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.support.leftout",
    "tests.support.mongod",
    "tests.support.databases",
    "tests.support.browser",
    "tests.support.query_plans",
]

# How fast a machine is decides nothing. A CI run repeats the same examples; elsewhere every run looks for new ones.
settings.register_profile(
    "vizit",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings.load_profile("vizit")
