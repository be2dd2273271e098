"""Reports of the permission to send: what was decided and why not, what was handed over, who opted out and how soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from application.ports.analytics import Column
from projections.olap.lapse_reports import LAPSES
from projections.olap.report import DaysParameters, ReportDefinition, define

SURELY_IN_TIME: Final = timedelta(days=3)
"""Sooner than any law's deadline for an opt-out: the shortest is five business days, of which the first counts."""


class SendingParameters(DaysParameters):
    """Which days, and whose messages."""

    workspace_id: Annotated[UUID | None, Field(description="Only messages of this workspace.")] = None


class DecisionsParameters(SendingParameters):
    """Which days, and which messages."""

    campaign_type: Annotated[
        str | None, Field(description="Only messages of this type of campaign.", max_length=40)
    ] = None


_DAYS: Final = """
            ($from_::DATE IS NULL OR day >= $from_::DATE)
            AND ($to::DATE IS NULL OR day <= $to::DATE)"""
_OF_WORKSPACE: Final = f"""{_DAYS}
            AND ($workspace_id::UUID IS NULL OR workspace_id = $workspace_id::UUID)"""
_OF_MESSAGES: Final = f"""{_OF_WORKSPACE}
            AND ($campaign_type::VARCHAR IS NULL OR campaign_type = $campaign_type)"""
_DAY: Final = Column("day", "dimension", "date", "Day on which it was recorded, UTC.")
_LAW: Final = "Country code of the law, or none: a suppression or an unknown country."

_DECISIONS: Final = define(
    "decisions",
    "Decisions by day, verdict and rule",
    "How many times it was decided whether a message may go, by the reason that weighed most. An activity: days may be "
    "summed. A message on which it was decided again counts again.",
    DecisionsParameters,
    (
        _DAY,
        Column("verdict", "dimension", "text", "What was decided: allow, hold or deny."),
        Column("law", "dimension", "text", _LAW),
        Column("rule", "dimension", "text", "Rule that weighed most, or none."),
        Column("decisions", "measure", "decisions", "Number of decisions.", "activity"),
    ),
    rows=f"""
        SELECT
            day,
            verdict,
            coalesce(law, 'none') AS law,
            coalesce(rule, 'none') AS rule,
            count(*) AS decisions
        FROM fact_decision
        WHERE {_OF_MESSAGES}
        GROUP BY ALL
        ORDER BY ALL
    """,  # noqa: S608 - our own conditions
    events=f"""
        SELECT position, 1 AS weight
        FROM fact_decision
        WHERE
            day = $cell_day::DATE
            AND verdict = $cell_verdict
            AND coalesce(law, 'none') = $cell_law
            AND coalesce(rule, 'none') = $cell_rule
            AND {_OF_MESSAGES}
    """,  # noqa: S608 - our own conditions
)

_STOPPED_BY: Final = f"""
        SELECT
            position,
            verdict,
            coalesce(reason.law, 'none') AS law,
            coalesce(reason.rule, 'none') AS rule,
            nullif(list_aggregate(reason.missing, 'string_agg', ', '), '') AS missing
        FROM (
            SELECT position, verdict, unnest(reasons) AS reason
            FROM fact_decision
            WHERE verdict <> 'allow' AND {_OF_MESSAGES}
        )
        WHERE reason.verdict = verdict
"""  # noqa: S608 - our own conditions

_DENIALS: Final = define(
    "denials_by_reason",
    "What was denied or held, by each reason",
    "How many decisions each reason stood behind, of those that were no allow. A decision counts once under each of "
    "its reasons that denied it (or held it, where none denied): reasons may add up to more than the decisions.",
    DecisionsParameters,
    (
        Column("verdict", "dimension", "text", "What was decided: hold or deny."),
        Column("law", "dimension", "text", _LAW),
        Column("rule", "dimension", "text", "Rule that denied or held it."),
        Column("missing", "dimension", "text", "Facts that were missing, by their names; empty if none was."),
        Column("decisions", "measure", "decisions", "Number of decisions with this reason.", "activity"),
    ),
    rows=f"""
        SELECT verdict, law, rule, missing, count(DISTINCT position) AS decisions
        FROM ({_STOPPED_BY})
        GROUP BY ALL
        ORDER BY verdict, decisions DESC, law, rule, missing
    """,  # noqa: S608 - our own SQL
    events=f"""
        SELECT DISTINCT position, 1 AS weight
        FROM ({_STOPPED_BY})
        WHERE
            verdict = $cell_verdict
            AND law = $cell_law
            AND rule = $cell_rule
            AND missing IS NOT DISTINCT FROM $cell_missing::VARCHAR
    """,  # noqa: S608 - our own SQL
)

_ALLOWED_BY: Final = f"""
        SELECT position, reason.law AS law, coalesce(basis, 'none') AS basis
        FROM (
            SELECT position, unnest(reasons) AS reason
            FROM fact_decision
            WHERE verdict = 'allow' AND {_OF_MESSAGES}
        )
        LEFT JOIN rule_basis ON rule_basis.law = reason.law AND rule_basis.rule = reason.rule
"""  # noqa: S608 - our own conditions

_ALLOWS: Final = define(
    "allows_by_basis",
    "What was allowed, by law and basis",
    "How many decisions were allowed by each law, and on which basis, as packs name the bases of rules today. An "
    "allow counts once under each law that has a say: laws add up to more than the allows.",
    DecisionsParameters,
    (
        Column("law", "dimension", "text", "Country code of the law."),
        Column("basis", "dimension", "text", "Basis, such as express consent."),
        Column("decisions", "measure", "decisions", "Number of decisions.", "activity"),
    ),
    rows=f"""
        SELECT law, basis, count(DISTINCT position) AS decisions
        FROM ({_ALLOWED_BY})
        GROUP BY ALL
        ORDER BY law, basis
    """,  # noqa: S608 - our own SQL
    events=f"""
        SELECT DISTINCT position, 1 AS weight FROM ({_ALLOWED_BY}) WHERE law = $cell_law AND basis = $cell_basis
    """,  # noqa: S608 - our own SQL
)

_DISPATCHES: Final = define(
    "dispatches",
    "Messages handed over by day",
    "How many messages were handed over, each under an allow. An activity: days may be summed.",
    SendingParameters,
    (_DAY, Column("messages", "measure", "messages", "Number of messages.", "activity")),
    rows=f"SELECT day, count(*) AS messages FROM fact_dispatch WHERE {_OF_WORKSPACE} GROUP BY day ORDER BY day",  # noqa: S608 - our own conditions
    events=f"""
        SELECT position, 1 AS weight FROM fact_dispatch WHERE day = $cell_day::DATE AND {_OF_WORKSPACE}
    """,  # noqa: S608 - our own conditions
)

_SURELY_US: Final = SURELY_IN_TIME // timedelta(microseconds=1)


def _of_latencies(name: str, about: str) -> Column:
    return Column(name, "measure", "seconds", about, "statistic", ("latency_seconds",))


_OPT_OUTS: Final = define(
    "opt_outs",
    "Opt-outs by day, kind, channel and law, and how soon they were entered",
    "How many opt-outs were entered, and how long after the person had said so; of those that nobody said anew "
    "(carried_over, erasure, reinstated, narrowed), and of what a file tells (import), which was said to somebody else "
    "or at some time, no latency is known. The mean is latency_seconds by "
    "latency_known. An activity: days may be summed, but for the longest, the median and the 95th percentile.",
    DaysParameters,
    (
        _DAY,
        Column("kind", "dimension", "text", "What was said: unsubscribe, objection or complaint."),
        Column(
            "channel",
            "dimension",
            "text",
            "How: one_click, page, reply, complaint, request, import or api. Nobody said these anew: carried_over, "
            "from an erased person whose address is used again; erasure, of such an address itself; reinstated, since "
            "the consent that had ended it was retracted; narrowed, what a person left of an opt-out from everything.",
        ),
        Column("scope", "dimension", "text", "How far it goes: tenant, workspace or campaign_type."),
        Column(
            "law",
            "dimension",
            "text",
            "Law, of the person or the sender, that gives the shortest term for it; of all laws, where nobody knows "
            "where the person is. None: no law that is known gives one, it came on a list, or nobody said it anew.",
        ),
        Column("opt_outs", "measure", "opt-outs", "Number of opt-outs.", "activity"),
        Column("latency_known", "measure", "opt-outs", "Number of those whose latency is known.", "activity"),
        Column(
            "latency_seconds",
            "measure",
            "seconds",
            "Sum of the latencies, from the word to its entry.",
            "activity",
            scale=1_000_000,
        ),
        _of_latencies("latency_longest", "Longest latency; empty if none is known."),
        _of_latencies("latency_median", "Half of the latencies are no longer; empty if none is known."),
        _of_latencies("latency_p95", "95 of 100 latencies are no longer; empty if none is known."),
        Column(
            "surely_in_time",
            "measure",
            "opt-outs",
            "Number of those entered within three days, and so before the deadline of every law that sets one.",
            "activity",
        ),
        Column(
            "met",
            "measure",
            "opt-outs",
            "Number of those entered before the term of the law was over.",
            "activity",
        ),
        Column("late", "measure", "opt-outs", "Number of those entered later than that.", "activity"),
    ),
    rows=f"""
        SELECT
            day,
            kind,
            channel,
            scope,
            coalesce(due_law, 'none') AS law,
            count(*) AS opt_outs,
            count(latency_us) AS latency_known,
            coalesce(sum(latency_us), 0)::BIGINT / 1e6 AS latency_seconds,
            max(latency_us) / 1e6 AS latency_longest,
            quantile_disc(latency_us, 0.5) / 1e6 AS latency_median,
            quantile_disc(latency_us, 0.95) / 1e6 AS latency_p95,
            count(*) FILTER (WHERE latency_us < {_SURELY_US}) AS surely_in_time,
            count(*) FILTER (WHERE in_time) AS met,
            count(*) FILTER (WHERE NOT in_time) AS late
        FROM fact_opt_out
        WHERE {_DAYS}
        GROUP BY day, kind, channel, scope, law
        ORDER BY day, kind, channel, scope, law
    """,  # noqa: S608 - our own conditions
    events=f"""
        SELECT position, weight
        FROM (
            SELECT
                position,
                CASE $cell_measure
                    WHEN 'latency_known' THEN (latency_us IS NOT NULL)::BIGINT
                    WHEN 'latency_seconds' THEN latency_us
                    WHEN 'surely_in_time' THEN (latency_us < {_SURELY_US})::BIGINT
                    WHEN 'met' THEN in_time::BIGINT
                    WHEN 'late' THEN (NOT in_time)::BIGINT
                    ELSE 1
                END AS weight
            FROM fact_opt_out
            WHERE
                day = $cell_day::DATE
                AND kind = $cell_kind
                AND channel = $cell_channel
                AND scope = $cell_scope
                AND coalesce(due_law, 'none') = $cell_law
                AND {_DAYS}
        )
        WHERE weight <> 0
    """,  # noqa: S608 - our own conditions
)

PERMISSION_REPORTS: Final[tuple[ReportDefinition, ...]] = (
    LAPSES,
    _DECISIONS,
    _DENIALS,
    _ALLOWS,
    _DISPATCHES,
    _OPT_OUTS,
)
