"""Jobs in tests: people whose erasure makes a job due, and a runner of jobs that are the test's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from application.jobs import Job
from domain.audience.erasure_events import AddresseeErased
from domain.kernel.ids import AddresseeId
from projections.jobs.runner import Runner, Terms
from tests.support.projecting import World, fresh

QUICK = Terms(lease=timedelta(seconds=1), attempts=3, pause=timedelta(0))


def erase(world: World, tenant: UUID, addressee: UUID | None = None) -> UUID:
    """A person is erased: their keys are to be destroyed."""
    who = AddresseeId(addressee or fresh())
    world.append(tenant, (f"addressee:{who}", AddresseeErased(addressee_id=who)))
    return who


def runner(world: World, work: Callable[[Job, Callable[[], bool]], None], terms: Terms = QUICK) -> Runner:
    """Of jobs that do this."""
    return Runner(world.database.projector, work, terms)
