"""The template's parameters: which ones a user may set, and to what. Checked before anything is sent to AWS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from zoneinfo import available_timezones

from stockctl.deployment.template import template_document
from stockctl.domain.errors import UsageError
from stockctl.domain.instants import time_zone

SET_BY_DEPLOYMENT = {"CodeBucket", "CodeKey", "Release", "RequireTls"}


@dataclass(frozen=True)
class Parameter:
    """One parameter as the template declares it."""

    name: str
    declared: Mapping[str, Any]

    def fault_of(self, value: str) -> str | None:
        """What the value should be instead, or None if it is valid."""
        allowed = [str(one) for one in self.declared.get("AllowedValues", [])]
        if allowed and value not in allowed:
            return f"one of {', '.join(allowed)}"
        if self.declared["Type"] == "Number" and not self._in_range(value):
            return f"a whole number{self._range()}"
        if not re.fullmatch(self.declared.get("AllowedPattern", ".*"), value):
            return str(self.declared["ConstraintDescription"])
        return None

    def _in_range(self, value: str) -> bool:
        if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
            return False
        return bool(self.declared.get("MinValue", 0) <= int(value) <= self.declared.get("MaxValue", int(value)))

    def _range(self) -> str:
        limits = [str(self.declared[key]) for key in ("MinValue", "MaxValue") if key in self.declared]
        return f" from {' to '.join(limits)}" if limits else ""


def parameter_names() -> list[str]:
    """All parameters of the template."""
    return list(template_document()["Parameters"])


def settable_parameters() -> dict[str, Parameter]:
    """The parameters that a user may set, by name."""
    declared = template_document()["Parameters"]
    return {name: Parameter(name, declared[name]) for name in declared if name not in SET_BY_DEPLOYMENT}


def chosen_parameters(deployed: Mapping[str, str]) -> dict[str, str]:
    """The deployed parameters that a user may set and that differ from the template's defaults."""
    settable = settable_parameters()
    return {
        name: value
        for name, value in deployed.items()
        if name in settable and value != str(settable[name].declared.get("Default", ""))
    }


def changed_parameters(deployed: Mapping[str, str], given: Mapping[str, str]) -> Iterator[str]:
    """A line for each parameter of a deployed stack that `given` changes, from what to what."""
    for name, value in given.items():
        if name in deployed and deployed[name] != value:
            yield f"parameter {name} changes from {deployed[name] or 'none'} to {value or 'none'}"


def check_parameters(given: Mapping[str, str]) -> None:
    """Accepts what the template accepts.

    Raises:
        UsageError: there is no such parameter, or it does not take this value; the hint lists what is allowed.
    """
    settable = settable_parameters()
    for name, value in given.items():
        if name not in settable:
            raise _no_such_parameter(name, settable)
        if expected := settable[name].fault_of(value):
            raise UsageError(f"--parameter {name}: {value!r} is not allowed", f"Use {expected}.")
    _check_time_zone(given.get("TimeZone", "UTC"))


def _no_such_parameter(name: str, settable: Iterable[str]) -> UsageError:
    names = {each.casefold(): each for each in settable}
    alike = get_close_matches(name.casefold(), names, n=1)
    hint = f"Did you mean {names[alike[0]]}?" if alike else f"The parameters are {', '.join(names.values())}."
    return UsageError(f"there is no parameter {name!r}", hint)


def _check_time_zone(name: str) -> None:
    """CloudFormation accepts any text of the right shape, and every delivery would fail later."""
    try:
        time_zone(name)
    except ValueError as error:
        alike = get_close_matches(name, available_timezones(), n=2)
        hint = f"Did you mean {' or '.join(alike)}?" if alike else "UTC is a time zone, too."
        raise UsageError(f"--parameter TimeZone: {error}", hint) from error
