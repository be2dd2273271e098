"""What rules of people's ledgers draw from."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from hypothesis import strategies as st

from domain.audience.consent_commands import OptOutChannel
from domain.audience.intake.vocabularies import SubscriberType
from domain.kernel.ids import WorkspaceId
from domain.law.facts import Scope
from tests.support.given import uid

WORKSPACES = tuple(WorkspaceId(uid(n)) for n in (10, 11))
HERE = st.sampled_from(WORKSPACES)
ADDRESSES = st.sampled_from(["a@x.example", "A@X.example", "b@x.example"])
COUNTRIES = st.sampled_from(["GB", "DE", "US", "GB", "CA", None])
KINDS = st.sampled_from([None, *SubscriberType])
AGO = st.sampled_from(
    [timedelta(), timedelta(), timedelta(minutes=5), timedelta(hours=30), timedelta(days=4)]
)
CLIENTS = st.sampled_from([None, None, None, *WORKSPACES])
PLACES = st.sampled_from(
    [
        *[(Scope.TENANT, None)] * 3,
        *((Scope.WORKSPACE, str(one)) for one in WORKSPACES),
        *((Scope.CAMPAIGN_TYPE, one) for one in ("news", "offers")),
    ]
)
Flag: TypeAlias = Literal[True, False] | None
FLAGS = st.sampled_from([None, True, False])
CHANNEL = OptOutChannel.REPLY
