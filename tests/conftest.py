"""Fixtures for every test: `mongodb_url` and `open_page`; and the closing word on what was left out."""

pytest_plugins = ["tests.support.leftout", "tests.support.mongod", "tests.support.browser"]
