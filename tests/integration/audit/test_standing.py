"""How many logs wait to be signed, and how many are refused."""

from pathlib import Path

from projections.audit.standing import standing
from tests.support.database import Database
from tests.support.notary import office


def test_how_the_ledger_stands_is_told(database: Database, tmp_path: Path) -> None:
    with office(database, tmp_path) as signing:
        of, other = signing.log(), signing.log()
        signing.add(of, 3)
        signing.add(other, 3)
        told = standing(signing.connection)
        assert (told.refused, told.behind) == (0, 2)
        assert told.seconds > 0  # these events say that they are of March
        signing.sign()
        assert standing(signing.connection) == (0, 0, 0)
        signing.admin.execute("UPDATE log.heads SET position = 2 WHERE tenant_id = %s", (of.tenant_id,))
        signing.sign()
        assert standing(signing.connection) == (1, 0, 0)
