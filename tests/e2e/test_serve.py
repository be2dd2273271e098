"""The first minute, and the ones after a stop, a kill, a second start."""

import json
import os
import signal
import subprocess
import time
from uuid import uuid4

import httpx
import psutil
import pytest

from api.ops.processes import NAMES
from tests.support.serving import ROOT, Served, eventually, installation


def _as_printed(command: str) -> dict[str, object]:
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=30, check=True)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def _get(address: str, key: str | None = None) -> dict[str, object]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    told: dict[str, object] = httpx.get(address, headers=headers, timeout=10).raise_for_status().json()
    return told


def test_the_first_minute_and_what_is_kept() -> None:
    with installation() as served:
        begun = time.monotonic()
        banner = served.start(program=(str(ROOT / "scripts" / "run"),))
        assert time.monotonic() - begun < 60
        assert "embedded Postgres" in banner
        assert str(served.data) in banner
        assert f"export PENGUINMAILS_KEY={served.key}" in banner
        assert len(served.curls) == 3

        created, read, counted = (_as_printed(command) for command in served.curls)
        data = read["data"]
        assert isinstance(data, dict)
        assert data["contact_id"] == created["id"]
        assert data["first_name"] == "Grace"
        rows = counted["data"]
        assert isinstance(rows, list)
        assert sum(row["events"] for row in rows) > 2_000

        ready = _get(f"{served.address}/readyz")
        assert ready["state"] in ("ready", "degraded")
        family = served.family()
        assert served.stop() == 0
        assert not psutil.wait_procs(family, timeout=5)[1], "a process outlived the one that started it"

        banner = served.start()
        assert served.key not in banner, "a key is printed once"
        assert f"$(cat {served.data}/secrets/demo-key)" in banner
        again = _get(f"{served.address}/v1/audience/contacts/{created['id']}", served.key)
        assert again["data"] == data
        created, read, _ = (_as_printed(command) for command in served.curls)
        assert isinstance(read["data"], dict)
        assert read["data"]["contact_id"] == created["id"]

        served.kill()
        served.start()
        again = _get(f"{served.address}/v1/audience/contacts/{created['id']}", served.key)
        assert again["data"] == read["data"]


def test_a_killed_process_is_started_again_and_a_killed_supervisor_leaves_none() -> None:
    with installation() as served:
        served.start("--no-demo")
        assert "Payments" not in served.banner
        for name in ("api", "projector", "worker", "olap", "notary"):
            before = served.processes()[name]
            before.kill()
            for _ in eventually(f"{name} is there again"):
                now = served.processes().get(name)
                if now is not None and now.pid != before.pid:
                    break
        for _ in eventually("all is well again"):
            try:
                if _get(f"{served.address}/readyz")["state"] == "ready":
                    break
            except httpx.HTTPError:
                continue
        children = [process for name, process in served.processes().items() if name != "serve"]
        assert served.process is not None
        served.process.send_signal(signal.SIGKILL)
        served.process.wait(10)
        gone, alive = psutil.wait_procs(children, timeout=25)
        assert not alive, f"orphans: {alive}"
        assert len(gone) == len(NAMES)

        assert "Register a tenant" in served.start()
        # In a shell that knows nothing of this installation, and from another folder.
        (command,) = (line for line in served.banner.splitlines() if " tenant register " in line)
        elsewhere = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd="/",
            env=elsewhere,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "pm_live_" in done.stdout


@pytest.mark.xdist_group("serve")
def test_a_second_serve_is_refused_and_harms_nothing(demo_installation: Served) -> None:
    before = demo_installation.processes()
    done = demo_installation.cli("serve", "--port", "0", code=4)
    assert "served already" in done.stderr
    assert demo_installation.address in done.stderr
    assert done.stdout == ""
    assert {name: process.pid for name, process in before.items()} == {
        name: process.pid for name, process in demo_installation.processes().items()
    }


@pytest.mark.xdist_group("serve")
def test_a_taken_port_is_said_before_anything_is_made(demo_installation: Served) -> None:
    port = demo_installation.address.rpartition(":")[2]
    with installation() as other:
        done = other.cli("serve", "--port", port, code=4)
        assert "Cannot listen" in done.stderr
        assert not other.data.exists()


@pytest.mark.xdist_group("serve")
def test_health_and_figures(demo_installation: Served) -> None:
    address = demo_installation.address
    assert _get(f"{address}/healthz") == {"state": "alive"}
    checks = _get(f"{address}/readyz")["checks"]
    assert isinstance(checks, dict)
    assert checks.keys() == {
        "database",
        "migrations",
        "keys",
        "projector",
        "analytics",
        "ledger",
        "payments",
        "mail",
    }
    assert checks["mail"] == {**checks["mail"], "ok": True, "state": "not set up"}
    assert checks["payments"]["state"] == "our own Stripe"
    text = httpx.get(f"{address}/metrics", timeout=10).text
    for process in ("api", "projector", "worker", "olap", "notary", "stripe"):
        assert f'penguinmails_up{{process="{process}"}} 1.0' in text
    assert 'penguinmails_projection_lag_events{process="projector",projection="contacts"}' in text
    assert "penguinmails_jobs_due" in text
    assert 'penguinmails_gateway_events_set_aside{process="worker"} 0.0' in text
    assert 'penguinmails_letters_waiting{process="worker"} 0.0' in text


@pytest.mark.xdist_group("serve")
def test_the_doors_of_a_demo_can_be_tried_as_it_is_served(demo_installation: Served) -> None:
    address, key = demo_installation.address, demo_installation.key
    rows = _get(f"{address}/v1/audience/decisions", key)["data"]
    assert isinstance(rows, list)
    asked = f"workspace_id={rows[0]['workspace_id']}&message_id={uuid4()}"
    links = _get(f"{address}/v1/audience/addressees/{rows[0]['addressee_id']}/links?{asked}", key)["data"]
    assert isinstance(links, dict)
    assert links["page"].startswith(f"{address}/p/")
    assert httpx.get(links["page"], timeout=10).status_code == 200


@pytest.mark.xdist_group("serve")
def test_what_is_kept_is_private(demo_installation: Served) -> None:
    data = demo_installation.data
    for name in ("keys", "secrets", "run", "blobs", "olap", "stripe"):
        assert (data / name).stat().st_mode & 0o077 == 0, name
    for name in ("demo-key", "admin-key", "own-stripe.json"):
        assert (data / "secrets" / name).stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o066 == 0


ADDRESS = "somebody.private.7f3a@example.com"


@pytest.mark.xdist_group("serve")
def test_an_address_fed_to_every_error_path_is_in_no_log_and_no_figure(demo_installation: Served) -> None:
    address, key = demo_installation.address, demo_installation.key
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    create = "/v1/audience/new/create-contact"
    body = json.dumps({"email": ADDRESS, ADDRESS: ADDRESS, "workspace_id": ADDRESS})
    asked: list[tuple[str, str, dict[str, str], str]] = [
        ("POST", create, headers, body),
        ("POST", create, headers, ADDRESS),
        ("POST", create, {**headers, "Content-Type": ADDRESS}, body),
        ("POST", create, {**headers, "Idempotency-Key": ADDRESS}, body),
        ("POST", create, {**headers, "If-Match": ADDRESS}, body),
        ("POST", create, {**headers, "Penguin-Version": ADDRESS, "Penguin-Reason": ADDRESS}, body),
        ("POST", create, {**headers, "X-Request-Id": ADDRESS, "User-Agent": ADDRESS}, body),
        ("POST", create, {**headers, "Authorization": f"Bearer {ADDRESS}"}, body),
        ("POST", f"/v1/audience/{ADDRESS}/create-contact", headers, body),
        ("POST", f"/v1/audience/new/{ADDRESS}", headers, body),
        (
            "POST",
            "/v1/batch",
            {**headers, "Content-Type": "application/x-ndjson"},
            f'{body}\n{{"id": "{ADDRESS}"',
        ),
        (
            "POST",
            f"/v1/audience/imports?workspace_id={ADDRESS}",
            {**headers, "Content-Type": "text/csv"},
            ADDRESS,
        ),
        ("GET", f"/v1/audience/contacts?email={ADDRESS}&q={ADDRESS}", headers, ""),
        ("GET", f"/v1/audience/contacts?{ADDRESS}=1&cursor={ADDRESS}", headers, ""),
        ("GET", f"/v1/audience/contacts/{ADDRESS}", headers, ""),
        ("GET", f"/v1/receipts/{ADDRESS}", headers, ""),
        ("GET", f"/v1/reports/{ADDRESS}?from={ADDRESS}", headers, ""),
        ("GET", f"/v1/history?stream=contact:{ADDRESS}&actor={ADDRESS}", headers, ""),
        ("GET", f"/{ADDRESS}", headers, ""),
        ("PATCH", f"/v1/{ADDRESS}", headers, body),
    ]
    statuses = []
    for method, path, given, content in asked:
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        answer = httpx.request(method, f"{address}{path}", headers=raw, content=content, timeout=20)
        statuses.append(answer.status_code)
    assert all(status < 500 for status in statuses), statuses
    assert sum(status >= 400 for status in statuses) >= len(asked) - 4
    figures = httpx.get(f"{address}/metrics", timeout=20).text
    told = [demo_installation.data.with_name("words"), *demo_installation.data.glob("postgres/log/*")]
    for _ in eventually("the lines are written"):
        lines = told[0].read_text().count('"event":"request"')
        if lines >= len(asked):
            break
    assert ADDRESS not in figures
    for file in told:
        assert ADDRESS not in file.read_text(errors="replace"), file.name
        assert "private.7f3a" not in file.read_text(errors="replace"), file.name
