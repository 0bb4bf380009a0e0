"""Where the CloudFormation template is, and what it becomes for one stack.

A wheel has it inside the package, a source tree in `infra/`. CloudFormation imports an existing resource into a stack
by its name, but only if the name is a literal: so the names of retained resources are written out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent

_NAMED = re.compile(r'^(?P<key> +(?P<kind>Table|Bucket)Name: )!Sub "(?P<name>[^"]+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Location:
    """The stack, account and region that names are made from."""

    stack: str
    account: str
    region: str

    def name(self, pattern: str) -> str:
        """The result of CloudFormation's `Fn::Sub` for a pattern."""
        values = {"StackName": self.stack, "AccountId": self.account, "Region": self.region}
        return re.sub(r"\$\{AWS::(\w+)\}", lambda found: values[found.group(1)], pattern)


@dataclass(frozen=True)
class Kept:
    """The names of what holds data: it outlives its stack, and the next stack of that name imports it again."""

    tables: tuple[str, ...]
    buckets: tuple[str, ...]


def template_path(package: Path = PACKAGE) -> Path:
    """The template of this installation: a wheel has it inside `package`, a clone beside it."""
    inside = package / "infra" / "template.yaml"
    return inside if inside.is_file() else package.parent / "infra" / "template.yaml"


def template_text() -> str:
    """The template, as it is in the file."""
    return template_path().read_text(encoding="utf-8")


def template_for(place: Location) -> str:
    """The template as CloudFormation gets it: with the names of retained resources written out."""
    return _NAMED.sub(lambda found: f'{found["key"]}"{place.name(found["name"])}"', template_text())


def kept(place: Location) -> Kept:
    """The names of a stack's data resources, whether they exist or not."""
    found = [(match["kind"], place.name(match["name"])) for match in _NAMED.finditer(template_text())]
    tables, buckets = (tuple(name for kind, name in found if kind == wanted) for wanted in ("Table", "Bucket"))
    return Kept(tables, buckets)


def release() -> str:
    """Identifies the content of the template; comments and blank lines do not count."""
    lines = (line for line in template_text().splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@cache
def template_document() -> Mapping[str, Any]:
    """The template as data, CloudFormation's short tags in their long form: `!Ref X` is `{"Ref": "X"}`."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Knows CloudFormation's tags."""

    def long_form(loader: Loader, tag: str, node: yaml.ScalarNode | yaml.SequenceNode) -> dict[str, Any]:
        if isinstance(node, yaml.SequenceNode):
            return {f"Fn::{tag}": loader.construct_sequence(node, deep=True)}
        text = loader.construct_scalar(node)
        return {"Fn::GetAtt": text.split(".", 1)} if tag == "GetAtt" else {tag if tag == "Ref" else f"Fn::{tag}": text}

    Loader.add_multi_constructor("!", long_form)
    return dict(Loader(template_text()).get_single_data())
