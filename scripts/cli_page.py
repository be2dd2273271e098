"""Prints docs/cli.md: every command, made from the program itself."""

import os
from collections.abc import Iterator
from enum import EnumMeta
from typing import Any, get_args

from typer.main import get_command

from api.cli.exits import ABOUT_EXITS
from api.cli.main import app

_INTRODUCTION = """# The command line

Made by `python -m scripts.cli_page`; do not edit. From a checkout, `penguinmails` is `.venv/bin/penguinmails`.

Data goes to standard output, words to standard error; with `--json` the data is JSON, and errors are JSON too: one
document, which for a list out of a tenant's log (`replay`, `key list`) holds `data`, `next` (the cursor that goes on,
or null) and `position` (what it was made from); lists about all tenants (`projections status`, `projections compare`)
are one object a line. Nothing asks a question. A mistyped word is answered with the near ones.
`penguinmails --install-completion` completes words in bash, zsh, fish and PowerShell.

`--data` (or `PENGUINMAILS_DATA`) names the data folder of the installation, `--key` (or `PENGUINMAILS_KEY`) the API key
to act with; `@FILE` reads it from a file. Commands of the platform's own people (`tenant`, `staff`) act with the first
super admin's key, which lies in the data folder, unless `--key` (or `PENGUINMAILS_STAFF_KEY`) names another.

Commands work on the installation directly, by the same path as the API, and start the embedded database for as long as
they need it when nothing is served.

## Exit codes

| code | meaning |
|---|---|
"""
_FEW = 10
_COMMON = {"--data", "--json", "--key"}


def page() -> str:
    """The whole page."""
    exits = "".join(f"| {code.value} | {about} |\n" for code, about in ABOUT_EXITS.items())
    program: Any = get_command(app)
    return _INTRODUCTION + exits + "".join(_commands(program, "penguinmails"))


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield _command(command, f"{path} {name}")
            yield from _commands(command, f"{path} {name}")
        else:
            yield _command(command, f"{path} {name}")


def _command(command: Any, path: str) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [
        one for one in command.params if one.param_type_name == "option" and one.opts[0] not in _COMMON
    ]
    common = [one.opts[0] for one in command.params if one.opts[0] in _COMMON]
    usage = " ".join([path, *(_shown(one) for one in arguments)])
    about = "\n\n".join(" ".join(part.split()) for part in command.help.split("\n\n"))
    lines = [f"\n## {path}\n\n`{usage}`\n\n{about}\n"]
    if arguments or options:
        lines.append("\n| | |\n|---|---|\n")
        lines += [f"| `{one.name.upper()}` | {one.help} |\n" for one in arguments]
        lines += [f"| {_option(one)} | {one.help}{_default(one)} |\n" for one in options]
    if common:
        lines.append(f"\nAlso: {', '.join(f'`{one}`' for one in common)}.\n")
    return "".join(lines)


def _shown(argument: Any) -> str:
    name = argument.name.upper()
    many = "..." if argument.nargs == -1 else ""
    return f"{name}{many}" if argument.required else f"[{name}{many}]"


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    kinds = [option.type_descriptor.annotation, *get_args(option.type_descriptor.annotation)]
    choices = [value for kind in kinds if isinstance(kind, EnumMeta) for value in _values(kind)]
    # A permission is one of very many; docs/permissions.md lists them.
    return f"{names} ({', '.join(f'`{one}`' for one in choices)})" if 0 < len(choices) <= _FEW else names


def _values(kind: Any) -> list[str]:
    return [one.value for one in kind]


def _default(option: Any) -> str:
    if option.required:
        return " Required."
    if option.show_default and option.default not in (None, False, ()) and not option.secondary_opts:
        return f" Default: `{_plain(option.default)}`."
    return ""


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    print(page(), end="")
