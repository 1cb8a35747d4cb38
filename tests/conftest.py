"""Fixtures that any test may ask for, and how generated tests run: speed is measured in benchmarks, never here."""

from hypothesis import settings

pytest_plugins = ["tests.stores", "tests.browser.chromium", "tests.contract.agents.installed"]

settings.register_profile("steward", deadline=None)
settings.load_profile("steward")
