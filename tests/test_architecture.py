"""The house rules that a program can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import stockctl
from stockctl.deployment.bundle import FOLDERS

ROOT = Path(stockctl.__file__).parent
MAY_IMPORT = {
    "domain": set(),
    "aws": {"domain"},
    "operations": {"aws", "domain"},
    "functions": {"operations", "aws", "domain"},
    "deployment": {"operations", "aws", "domain"},
    "client": {"operations", "aws", "domain"},
    "local": {"operations", "aws", "domain"},
    "terminal": {"domain"},
    "simulation": {"domain"},
    "selftest": {"client", "operations", "aws", "domain"},
    "cli": {"selftest", "simulation", "terminal", "local", "client", "deployment", "operations", "aws", "domain"},
}
SEEN_FROM_TWO_SIDES = {
    "api",  # the answers of the HTTP API, and its client
    "count",  # what it is, the operation, and the command
    "deploy",  # what a deployment does, and the command
    "discard",  # what it is, the operation, and the command
    "errors",  # the errors users see, and how botocore's become those
    "failures",  # the records Lambda leaves, and the command that lists them
    "forecast",  # what is to be expected, and the command
    "findings",  # what an inspection found, and how it is shown
    "history",  # what it holds, and the command
    "recall",  # the operation, and the command
    "reconcile",  # the operation, and the command
    "report",  # the units of a period, and the command
    "stock",  # levels and batches, and the command that lists them
    "target",  # a stack in a place, and how the command line chooses it
    "use",  # the operation, and the command
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)


def bundled_modules() -> list[Path]:
    return [path for path in modules() if path.relative_to(ROOT).parts[0] in FOLDERS]


def imports_of(path: Path) -> Iterator[str]:
    return names_imported(ast.parse(path.read_text(encoding="utf-8")))


def names_imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield f"{node.module}.{node.names[0].name}" if node.module == "stockctl" else str(node.module)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_import_only_packages_below_them(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for name in imports_of(path):
        if name.startswith("stockctl."):
            imported = name.split(".")[1]
            assert imported == room or imported in MAY_IMPORT[room], f"{room} imports {name}"


def test_modules_form_no_circle() -> None:
    """Not even where the import stands in a function, or is for types only: what needs each other is one thing."""
    names = {".".join(("stockctl", *path.relative_to(ROOT).with_suffix("").parts)): path for path in modules()}
    TopologicalSorter({name: set(imports_of(path)) & names.keys() for name, path in names.items()}).prepare()


def command_modules() -> list[Path]:
    """The modules that the program takes its commands from."""
    names = {name.removeprefix("stockctl.cli.") for name in imports_of(ROOT / "cli" / "program.py")}
    return [path for path in modules() if path.parent.name == "cli" and path.stem in {*names, "local"} - {"help"}]


@pytest.mark.parametrize("path", command_modules(), ids=lambda path: path.stem)
def test_commands_do_not_import_each_other(path: Path) -> None:
    """What two commands share is a module of its own."""
    commands = {f"stockctl.cli.{command.stem}" for command in command_modules()}
    assert not commands & set(imports_of(path))


@pytest.mark.parametrize("path", bundled_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_bundle_imports_nothing_from_outside_it(path: Path) -> None:
    """Lambda has boto3 with its urllib3, and these four folders. Imports for type checkers alone never run there."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    runs = {name for name in names_imported(tree) if name.split(".")[0] not in sys.stdlib_module_names}
    ours = {name.split(".")[1] for name in runs if name.startswith("stockctl.")}
    assert ours <= set(FOLDERS)
    assert {name.split(".")[0] for name in runs} <= {"boto3", "botocore", "urllib3", "stockctl"}


@pytest.mark.parametrize("path", [p for p in modules() if p.parent.name == "domain"], ids=lambda path: path.name)
def test_the_domain_knows_the_standard_library_only(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports_of(path)} - sys.stdlib_module_names - {"stockctl"}
    assert not outside


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small_and_are_named_after_what_they_are(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            body = node.end_lineno - node.body[0].lineno + 1
            assert body <= 50, f"{path.name}:{node.lineno} {node.name} has {body} lines"


def test_a_class_name_means_one_thing() -> None:
    """A reader who meets a name need not ask which of two it is."""
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_file_name_means_one_thing() -> None:
    """Two files of one name in different rooms are the same thing seen from two sides, and listed here."""
    rooms: dict[str, set[str]] = {}
    for path in modules():
        rooms.setdefault(path.stem, set()).add(path.relative_to(ROOT).parts[0])
    shared = {name for name, found in rooms.items() if len(found) > 1 and name != "__init__"}
    assert shared == SEEN_FROM_TWO_SIDES


@pytest.mark.parametrize("arguments", [["--help"], ["use", "--help"], ["watch", "--help"]])
def test_help_loads_neither_boto3_nor_the_charts(arguments: list[str]) -> None:
    code = (
        "import sys; from stockctl.cli.main import run; from stockctl.terminal.environment import Environment\n"
        f"code = run({arguments!r}, Environment())\n"
        "heavy = sorted({'boto3', 'botocore', 'plotext', 'ministack'} & set(sys.modules))\n"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
