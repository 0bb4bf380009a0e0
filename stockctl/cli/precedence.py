"""Which setting of a shared option counts: option, environment variable, configuration file, default, in this order.

The target is the embedded cloud unless AWS is selected: by `--aws`, `--profile`, `--region`, `--endpoint-url`,
STOCKCTL_TARGET or the configuration file. Credentials or a region in the environment do not select it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockctl.cli.configuration import Configuration
from stockctl.cli.settings import AWS, DEFAULT_STACK, LOCAL, Layer, Setting, Settings
from stockctl.domain.errors import UsageError

_DEFAULT = "default"
_AWS_ONLY = ("profile", "region", "endpoint_url")
"""Giving one of these, as an option or in a file, asks for AWS."""
_PLACE = ("stack", *_AWS_ONLY)
"""In a file these belong to the target that the file names, and to no other."""
_VARIABLES = {
    "target": ("STOCKCTL_TARGET",),
    "kitchen": ("STOCKCTL_KITCHEN",),
    "stack": ("STOCKCTL_STACK",),
    "profile": ("AWS_PROFILE",),
    # AWS's own command line reads AWS_REGION first; boto3 knows AWS_DEFAULT_REGION alone.
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}


def effective_settings(
    given: Mapping[str, Any], variables: Mapping[str, str], configuration: Configuration
) -> Settings:
    """The settings of a command; `given` has its options by name, None or False where one was left out.

    Raises:
        UsageError: STOCKCTL_TARGET is neither `local` nor `aws`, or there is no such kitchen.
    """
    options, environment = _options(given), _environment(variables)
    kitchen = {**configuration.defaults, **environment, **options}.get("kitchen")
    file = configuration.layer(str(kitchen.value) if kitchen else None)
    target = _target(options, environment, file)
    named = _asked(file)
    if named and named.value != target.value:
        file = {name: setting for name, setting in file.items() if name not in _PLACE}
    found = {**file, **environment, **options, "target": target}
    found.setdefault("stack", Setting(DEFAULT_STACK, _DEFAULT))
    return _settings(found)


def _settings(found: dict[str, Setting]) -> Settings:
    is_local = found["target"].value == LOCAL
    if is_local:
        found = {name: setting for name, setting in found.items() if name not in _AWS_ONLY}
    values = {name: setting.value for name, setting in found.items() if name != "target"}
    if "profile" in found and found["profile"].source.startswith("$"):
        del values["profile"]  # boto3 reads it too, and lets access keys in the environment go first
    return Settings(**values, local=is_local, sources=found)


def _options(given: Mapping[str, Any]) -> dict[str, Setting]:
    found = {
        name: Setting(value, f"--{name.replace('_', '-')}")
        for name, value in given.items()
        if name != "local" and value not in {None, False}
    }
    if given.get("local") is not None:
        found["target"] = Setting(LOCAL, "--local") if given["local"] else Setting(AWS, "--aws")
    return found


def _environment(variables: Mapping[str, str]) -> dict[str, Setting]:
    set_here = {
        name: next((Setting(variables[each].strip(), f"${each}") for each in names if variables.get(each)), None)
        for name, names in _VARIABLES.items()
    }
    found = {name: setting for name, setting in set_here.items() if setting and setting.value}
    if "target" in found:
        found["target"] = Setting(_known_target(found["target"].value), found["target"].source)
    return found


def _known_target(named: str) -> str:
    if named.lower() not in {LOCAL, AWS}:
        raise UsageError(
            f"STOCKCTL_TARGET is {named!r}, which is no target", "Set it to `local` or `aws`, or unset it."
        )
    return named.lower()


def _target(options: Layer, environment: Layer, file: Layer) -> Setting:
    """The embedded cloud, unless AWS is selected. Credentials and a region in the environment do not select it."""
    return _asked(options) or environment.get("target") or _asked(file) or Setting(LOCAL, _DEFAULT)


def _asked(layer: Layer) -> Setting | None:
    """The target that options or a file ask for."""
    asking = next((layer[name] for name in _AWS_ONLY if name in layer), None)
    return layer.get("target") or (Setting(AWS, asking.source) if asking else None)
