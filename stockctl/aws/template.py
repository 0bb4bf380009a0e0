"""Where the CloudFormation template is: beside the modules in a wheel, in `infra/` in a source tree."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
LARGEST = 51_200
"""Bytes of template text that CloudFormation takes in a call."""


def template_path(package: Path = PACKAGE) -> Path:
    """The template that belongs to this installation: a wheel carries it inside `package`, a clone beside it."""
    inside = package / "infra" / "template.yaml"
    return inside if inside.is_file() else package.parent / "infra" / "template.yaml"


def template_text() -> str:
    """The template, as it is sent to CloudFormation."""
    return template_path().read_text(encoding="utf-8")


def parameter_names(template: str) -> list[str]:
    """The parameters a template takes. Read off its layout, as no YAML reader knows CloudFormation's tags unaided."""
    section = re.search(r"^Parameters:\n((?:[ #].*\n|\n)*)", template, re.MULTILINE)
    return re.findall(r"^  (\w+):", section.group(1), re.MULTILINE) if section else []
