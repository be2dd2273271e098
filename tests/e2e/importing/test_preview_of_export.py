"""An export with its opt-in columns, imported and previewed: each law's split, as the file alone has it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest

from tests.support.contact_export import FILES
from tests.support.export_counted import counted
from tests.support.importing import Importing


@pytest.mark.parametrize("file", FILES)
async def test_a_preview_of_an_export_says_of_each_law_what_the_file_says(
    importing: Importing, file: Callable[[], bytes]
) -> None:
    """By country, by the consent column and by the unsubscribed one; nothing in an export says whose an address is."""
    content = file()
    import_id = await importing.ready(content)
    mapping = {"mapping": {"date_order": "DMY", "duplicates": "update"}}
    assert (await importing.command(import_id, "start-import", mapping)).status_code == 200
    await importing.work(import_id)
    await importing.api.project()
    answer = await importing.get(f"/v1/audience/preview?workspace_id={importing.tenant.workspace_id}")
    last = json.loads(answer.text.splitlines()[-1])
    told, expected = last["preview"], counted(content, datetime.fromisoformat(last["as_of"]))

    reasons, unproven = Counter[tuple[str, str | None, str]](), Counter[str]()
    for one in told["reasons"]:
        reasons[one["verdict"], one["law"], one["rule"]] += one["people"]
        proof = one["law"] not in {None, "us"} and one["rule"] != "otherwise"
        if one["rule"] == "otherwise" and "proof_of_consent" in one["missing"]:
            proof = True
            unproven[one["law"]] += one["people"]
        unknown = one["law"] == "gb" or (one["law"] == "eu" and one["rule"] == "otherwise")
        missing = ["country"] if one["rule"] == "country-unknown" else []
        missing += ["consent"] if (one["law"], one["rule"]) == ("br", "otherwise") else []
        missing += ["proof_of_consent"] if proof else []
        missing += ["subscriber"] if unknown else []
        assert one["missing"] == missing, "an export has no proof, and nobody says who is a company"
    assert told["people"] == expected.people
    assert reasons == expected.reasons
    assert unproven == expected.unproven
    assert told["laws"] == {
        law: {verdict: split[verdict] for verdict in ("allow", "hold", "deny")}
        for law, split in expected.laws.items()
    }
    assert told["verdicts"] == {verdict: expected.verdicts[verdict] for verdict in ("allow", "hold", "deny")}
    assert min(expected.verdicts.values()) > 0
    assert len(expected.laws) > 2
