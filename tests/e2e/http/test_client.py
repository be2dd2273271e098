"""A client that openapi-python-client makes from the API's document, as a user of the API would, works against it."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from tests.support.serving import Served

pytestmark = pytest.mark.xdist_group("serve")
PACKAGE = "penguin_client_under_test"
# The generator knows neither; each operation takes and is made with another media type that it does know, and the lines
# of a batch's answer are in `content`.
LEFT_OUT = {"text/csv", "application/x-ndjson"}


class Client:
    """The made package, signed in."""

    def __init__(self, served: Served) -> None:
        self.signed_in = self.part("client").AuthenticatedClient(base_url=served.address, token=served.key)

    def part(self, name: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.{name}")

    def model(self, name: str) -> Any:
        return getattr(self.part("models"), name)

    def ask(self, operation: str, *arguments: Any, **named: Any) -> Any:
        return self.part(f"api.{operation}").sync_detailed(*arguments, client=self.signed_in, **named)


@pytest.fixture(scope="module")
def made(demo_installation: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the package that was made from the served document."""
    folder = tmp_path_factory.mktemp("client")
    document = folder / "openapi.json"
    document.write_bytes(httpx.get(f"{demo_installation.address}/openapi.json").content)
    config = Config.from_sources(
        # The generator knows bytes by one name alone; its users tell it of others in the same way.
        ConfigFile(
            post_hooks=[],
            content_type_overrides=dict.fromkeys(
                ("application/pdf", "application/zip"), "application/octet-stream"
            ),
        ),
        MetaType.NONE,
        document_source=document,
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder / PACKAGE,
    )
    complaints = [f"{one.header} {one.detail}" for one in generate(config=config)]
    assert [one for one in complaints if not any(media in one for media in LEFT_OUT)] == []
    sys.path.insert(0, str(folder))
    yield folder / PACKAGE
    sys.path.remove(str(folder))


@pytest.fixture
def client(made: Path, demo_installation: Served) -> Iterator[Client]:
    del made
    client = Client(demo_installation)
    with client.signed_in:
        yield client


def test_every_operation_of_the_document_is_in_the_client(made: Path) -> None:
    document = json.loads((made.parent / "openapi.json").read_text())
    operations = {one["operationId"] for methods in document["paths"].values() for one in methods.values()}
    assert operations - {module.stem for module in (made / "api").glob("*/*.py")} == set()


def test_a_command_and_a_view_through_it(client: Client) -> None:
    (workspace, *_) = client.ask("tenancy.tenancy_workspaces").parsed.data
    body = client.model("CreateList")(workspace_id=workspace.workspace_id, name="Made by a client")
    done = client.ask("audience.audience_create_list", "new", body=body, idempotency_key="client/1")
    assert done.status_code == 201
    assert isinstance(done.parsed, client.model("Outcome"))
    again = client.ask("audience.audience_create_list", "new", body=body, idempotency_key="client/1")
    assert (again.parsed.replayed, again.parsed.id) == (True, done.parsed.id)
    assert again.headers["idempotent-replayed"] == "true"

    shown = client.ask("audience.audience_lists", min_position=done.headers["penguin-position"])
    assert done.parsed.id in {row.list_id for row in shown.parsed.data}

    gone = client.ask("audience.audience_contact_list", UUID(int=1))
    assert (gone.status_code, isinstance(gone.parsed, client.model("Problem"))) == (404, True)


def test_a_tenant_named_in_a_header(client: Client) -> None:
    body = client.model("CreateList")(workspace_id=UUID(int=1), name="Never")
    refused = client.ask("audience.audience_create_list", "new", body=body, penguin_tenant=str(UUID(int=2)))
    assert refused.status_code == 403
    assert isinstance(refused.parsed, client.model("Problem"))
    assert refused.parsed.request_id == refused.headers["request-id"]


def test_a_batch_and_a_file(client: Client) -> None:
    (workspace, *_) = client.ask("tenancy.tenancy_workspaces").parsed.data
    line = {
        "id": "client/2",
        "command": "audience/create-list",
        "target": "new",
        "body": {"workspace_id": str(workspace.workspace_id), "name": "In a batch"},
    }
    file = client.part("types").File
    lines = file(payload=io.BytesIO(json.dumps(line).encode() + b"\n"))
    answer = client.ask("batch.batch_run", body=lines)
    assert (answer.status_code, json.loads(answer.content)["status"]) == (200, 200)

    contacts = file(payload=io.BytesIO(b"Email\na@client.example\n"))
    uploaded = client.ask(
        "audience.audience_register_import", body=contacts, workspace_id=workspace.workspace_id
    )
    assert uploaded.status_code == 201
    assert uploaded.parsed.status == "ready"
