"""Where the CloudFormation template is, and what it becomes for one stack.

A wheel has it inside the package, a source tree in `infra/`. CloudFormation imports an existing resource into a stack
by its name, but only if the name is a literal: so the names of retained resources are written out.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent

_NAMED = re.compile(r'^(?P<key> +(?P<kind>Table|Bucket)Name: )!Sub "(?P<name>[^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Location:
    """The stack, account and region that names are made from."""

    stack: str
    account: str
    region: str

    def name(self, pattern: str) -> str:
        """What CloudFormation's `Fn::Sub` makes of a pattern."""
        values = {"StackName": self.stack, "AccountId": self.account, "Region": self.region}
        return re.sub(r"\$\{AWS::(\w+)\}", lambda found: values[found.group(1)], pattern)


@dataclass(frozen=True)
class Kept:
    """What holds data, by name: it outlives its stack, and the next one of the same name takes it in again."""

    tables: tuple[str, ...]
    buckets: tuple[str, ...]


def template_path(package: Path = PACKAGE) -> Path:
    """The template that belongs to this installation: a wheel carries it inside `package`, a clone beside it."""
    inside = package / "infra" / "template.yaml"
    return inside if inside.is_file() else package.parent / "infra" / "template.yaml"


def template_text() -> str:
    """The template, as it is in the file."""
    return template_path().read_text(encoding="utf-8")


def template_for(place: Location) -> str:
    """The template as CloudFormation gets it: with the names of retained resources written out."""
    return _NAMED.sub(lambda found: f'{found["key"]}"{place.name(found["name"])}"', template_text())


def kept(place: Location) -> Kept:
    """The names of what holds data of a stack, whether it is there or not."""
    found = [(match["kind"], place.name(match["name"])) for match in _NAMED.finditer(template_text())]
    tables, buckets = (tuple(name for kind, name in found if kind == wanted) for wanted in ("Table", "Bucket"))
    return Kept(tables, buckets)


def release() -> str:
    """Identifies the content of the template; comments and blank lines do not count."""
    lines = (line for line in template_text().splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def parameter_names() -> list[str]:
    """The template's parameters. Read by layout, because no YAML reader knows CloudFormation's tags by itself."""
    section = re.search(r"^Parameters:\n((?:[ #].*\n|\n)*)", template_text(), re.MULTILINE)
    return re.findall(r"^  (\w+):", section.group(1), re.MULTILINE) if section else []
