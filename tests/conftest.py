"""Fixtures live in tests/support, one plugin per concern."""

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
