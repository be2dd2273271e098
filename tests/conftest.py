"""Fixtures live in tests/support, one plugin per concern. How long an example takes is no matter of tests."""

from hypothesis import settings

pytest_plugins = [
    "tests.support.needs",
    "tests.support.database",
    "tests.support.api",
    "tests.support.importing",
    "tests.support.serving",
    "tests.support.hooks",
    "tests.support.clusters",
    "tests.support.office",
]

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
