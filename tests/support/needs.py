"""What a test needs of the machine. Absent: skipped with the reason on a desk, a failure in CI.

@requires(shutil.which("knotd"), "Knot DNS: apt-get install knot")
def test_zone_transfer() -> None: ...
"""

import os
from collections.abc import Generator

import pytest


def requires(present: object, what: str) -> pytest.MarkDecorator:
    """Mark a test as needing `what` (its name and how to get it); `present` is falsy where it is missing."""
    return pytest.mark.requires(present=bool(present), what=what)


def missing(item: pytest.Item) -> list[str]:
    """What this test needs and the machine lacks."""
    return [mark.kwargs["what"] for mark in item.iter_markers("requires") if not mark.kwargs["present"]]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", "requires(present, what): skip without it, and fail in CI")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Skip, or in CI fail, before any fixture of the test is made."""
    lacking = missing(item)
    if lacking:
        reason = f"needs {', '.join(lacking)}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}: CI must have it, see .ci/run", pytrace=False)
        pytest.skip(reason)
    return (yield)
