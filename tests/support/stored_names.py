"""Every stored name and version with its shape: the contract with every log ever written."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any, Final

import domain
from domain.kernel.events import EVENTS, Event
from projections.olap.law import bases

SNAPSHOT: Final = Path(__file__).parents[1] / "architecture" / "stored_names.json"
RULES: Final = SNAPSHOT.with_name("rules_that_allow.json")
Shapes = dict[str, dict[str, Any]]


def current_shapes() -> Shapes:
    """`{name: {version: shape}}` of the events that the product writes."""
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        importlib.import_module(module.name)
    return {
        name: {str(cls.schema_version): shape(cls)}
        for name, cls in sorted(EVENTS.classes.items())
        if cls.__module__.startswith("domain.")
    }


def shape(cls: type[Event]) -> dict[str, Any]:
    """The JSON Schema without its prose, and the field that holds the data subject."""
    told = json.loads(json.dumps(cls.model_json_schema(), sort_keys=True))
    return {"subject": cls.subject, "schema": _bare(told)}


def recorded_shapes() -> Shapes:
    """The shapes that were accepted."""
    shapes: Shapes = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    return shapes


def broken(recorded: Shapes, current: Shapes) -> list[str]:
    """What the present code does to accepted shapes: changes, losses, versions that nothing brings up to date."""
    faults = []
    for name, versions in recorded.items():
        now = current.get(name)
        if now is None:
            faults.append(f"{name} is gone; logs hold it, so its class and its `evolve` case stay")
            continue
        version = next(iter(now))
        for known, accepted in versions.items():
            if known == version and accepted != now[version]:
                faults.append(f"{name} v{known} changed its shape; make v{int(known) + 1} and an upcaster")
            if int(known) > int(version):
                faults.append(f"{name} went back from v{known} to v{version}")
            if int(known) < int(version) and (name, int(known)) not in EVENTS.upcasters:
                faults.append(f"{name} v{known} has no upcaster")
    return faults


def unrecorded(recorded: Shapes, current: Shapes) -> list[str]:
    """Names and versions that were not accepted yet."""
    return [
        f"{name} v{version}"
        for name, versions in current.items()
        for version in versions
        if version not in recorded.get(name, {})
    ]


def recorded_rules() -> list[str]:
    """The ids of rules that allow, or did: logs name them for ever."""
    rules: list[str] = json.loads(RULES.read_text(encoding="utf-8"))
    return rules


def without_basis(rules: list[str]) -> list[str]:
    """Of rules that decisions may name, those of which reports could not tell the basis."""
    known = {rule for _, rule in bases()}
    return [
        f"{rule} is gone: keep its basis in FORMER of projections/olap/law.py"
        for rule in rules
        if rule not in known
    ]


def _bare(told: Any) -> Any:
    """A schema without titles and descriptions: prose may get better."""
    if isinstance(told, list):
        return [_bare(item) for item in told]
    if not isinstance(told, dict):
        return told
    return {
        key: {name: _bare(value) for name, value in item.items()}
        if key in {"properties", "$defs"}
        else _bare(item)
        for key, item in told.items()
        if key not in {"title", "description"}
    }
