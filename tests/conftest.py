"""Fixtures live in tests/support, one plugin per concern. How long an example takes is no matter of tests."""

from hypothesis import settings

from api.ops.loading import loaded, loading

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

loading()


def pytest_collection_finish() -> None:
    """What the tests stand on is not looked through for garbage with each of them."""
    loaded()
