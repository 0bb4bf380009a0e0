"""The configuration file `stockctl.toml`: defaults for the shared options, and kitchens that can be chosen by name.

It is looked for in the working directory and in the user's configuration directory; what the nearer one sets wins.

    kitchen = "london"          # the kitchen to use where none is named
    output = "json"

    [kitchens.london]
    target = "aws"
    profile = "kitchens"
    region = "eu-west-2"
    stack = "stockctl"
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import platformdirs

from stockctl.cli.settings import AWS, LOCAL, Layer, Setting
from stockctl.domain.errors import StockctlError, UsageError
from stockctl.terminal.output import OutputFormat

NAME = "stockctl.toml"
_TEXT, _SWITCH = "text in quotes", "true or false"
_KITCHEN_KEYS = {
    "target": f'"{LOCAL}" or "{AWS}"',
    **dict.fromkeys(("stack", "profile", "region", "endpoint_url"), _TEXT),
    "output": " or ".join(f'"{each.value}"' for each in OutputFormat),
    **dict.fromkeys(("quiet", "verbose", "debug"), _SWITCH),
}
"""What a kitchen can set, and what each takes."""
_KEYS = {**_KITCHEN_KEYS, "kitchen": _TEXT}
_HEADER = re.compile(r"^\s*\[", re.MULTILINE)


@dataclass(frozen=True)
class Configuration:
    """What the files say: defaults by name, and the settings of each kitchen. `files` are those that were read."""

    defaults: Layer = field(default_factory=dict)
    kitchens: Mapping[str, Layer] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def layer(self, kitchen: str | None) -> Layer:
        """The settings of a kitchen over the defaults.

        Raises:
            UsageError: there is no kitchen of this name.
        """
        if kitchen is None:
            return self.defaults
        if kitchen not in self.kitchens:
            file = self.files[-1].absolute() if self.files else user_file()
            define = f"Define it as [kitchens.{kitchen}] in {file}."
            raise UsageError(f"there is no kitchen {kitchen!r}", _did_you_mean(kitchen, self.kitchens) or define)
        return {**self.defaults, **self.kitchens[kitchen]}


def user_file() -> Path:
    """The path of the user's `stockctl.toml`."""
    return platformdirs.user_config_path("stockctl", appauthor=False) / NAME


def read_configuration() -> Configuration:
    """Reads the files there are.

    Raises:
        UsageError: one cannot be read, or sets what cannot be set.
    """
    found = Configuration()
    for path in (user_file(), Path(NAME)):  # the nearest last: it wins
        if path.is_file():
            document = _parsed(path)
            kitchens = {name: _kitchen(name, table, path) for name, table in document.pop("kitchens", {}).items()}
            defaults = _layer(document, _KEYS, path, str(path))
            found = Configuration({**found.defaults, **defaults}, {**found.kitchens, **kitchens}, (*found.files, path))
    return found


def _parsed(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}", "Correct it, or move it away.") from error
    if not isinstance(document.get("kitchens", {}), dict):
        raise UsageError(f"{path}: kitchens is not a table", "Write each kitchen as [kitchens.NAME].")
    return document


def _kitchen(name: str, table: Any, path: Path) -> Layer:  # noqa: ANN401 - whatever the file has there
    if not isinstance(table, dict):
        raise UsageError(f"{path}: kitchens.{name} is not a table", f"Write it as [kitchens.{name}].")
    return _layer(table, _KITCHEN_KEYS, path, f"kitchen {name} in {path}")


def _layer(table: Mapping[str, Any], keys: Mapping[str, str], path: Path, source: str) -> Layer:
    for name, value in table.items():
        if name not in keys:
            hint = _did_you_mean(name, keys) or f"The settings are {', '.join(keys)}."
            raise UsageError(f"{path}: there is no setting {name!r}", hint)
        if not _fits(name, value):
            raise UsageError(f"{path}: {name} is {value!r}", f"Set it to {keys[name]}.")
    return {name: Setting(OutputFormat(value) if name == "output" else value, source) for name, value in table.items()}


def _fits(name: str, value: object) -> bool:
    if _KEYS[name] == _SWITCH:
        return isinstance(value, bool)
    allowed: set[str] | None = {"target": {LOCAL, AWS}, "output": {*OutputFormat}}.get(name)
    return isinstance(value, str) and value.strip() != "" and (allowed is None or value in allowed)


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    names = {each.casefold(): each for each in known}
    return "".join(f"Did you mean {names[match]}?" for match in get_close_matches(name.casefold(), names, n=1))


def remember_kitchen(place: Mapping[str, str]) -> str:
    """Writes a kitchen of this place to the user's file and makes it the one used by default; returns its name.

    All else in the file stays as it is. A kitchen of this very place is used again.

    Raises:
        StockctlError: the file cannot be edited without touching something else.
    """
    path = user_file()
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before = tomllib.loads(text)
    kitchens: dict[str, Any] = before.get("kitchens", {})
    name = _name_for(place, kitchens)
    after = _with_default(text, name)
    if name not in kitchens:
        lines = [f"{key} = {_quoted(value)}" for key, value in place.items()]
        after = f"{after.rstrip()}\n\n" + "\n".join([f"[kitchens.{_key(name)}]", *lines]) + "\n"
    if _read_back(after) != {**before, "kitchen": name, "kitchens": {**kitchens, name: dict(place)}}:
        raise StockctlError(f"{path} cannot be edited safely", f'Set `kitchen = "{name}"` in it yourself.')
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(after, encoding="utf-8")
    draft.replace(path)
    return name


def _name_for(place: Mapping[str, str], kitchens: Mapping[str, Any]) -> str:
    """The kitchen that is this place already, else a free name made from its stack and region."""
    same = (name for name, table in kitchens.items() if table == place)
    names = (place["stack"], f"{place['stack']}-{place['region']}")
    numbered = (f"{names[1]}-{number}" for number in itertools.count(2))
    free = (name for name in itertools.chain(names, numbered) if name not in kitchens)
    return next(same, None) or next(free)


def _with_default(text: str, kitchen: str) -> str:
    """The text with `kitchen` set at its top level, which ends with the first table."""
    header = _HEADER.search(text)
    top, rest = (text[: header.start()], text[header.start() :]) if header else (text, "")
    line = f"kitchen = {_quoted(kitchen)}"
    replaced, count = re.subn(r"^kitchen\s*=.*$", lambda _: line, top, count=1, flags=re.MULTILINE)
    return (replaced if count else f"{line}\n{top}") + rest


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _read_back(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
