"""The zip that Lambda runs: the modules of this package that the functions import, and nothing else.

What belongs in it is not a list that somebody keeps: it is what the handlers reach, found by walking their imports.
The same sources give the same bytes on every machine, so a key made from the content says whether the code changed.
"""

from __future__ import annotations

import ast
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stockctl.deployment.template import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

# The earliest time a zip can carry: when a file was checked out says nothing about what is in it.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE_FILE = 0o100644 << 16


@dataclass(frozen=True)
class Bundle:
    """A zip of function code and the S3 key that names its content."""

    content: bytes
    key: str


def bundle(package: Path = PACKAGE) -> Bundle:
    """The functions of `package` (the folder `stockctl`) with all they import from it."""
    content = _zipped({_archived(package, path): path.read_bytes() for path in modules(package)})
    return Bundle(content, f"bundles/{hashlib.sha256(content).hexdigest()[:40]}.zip")


def modules(package: Path = PACKAGE) -> list[Path]:
    """Every file that importing a handler loads from `package`, sorted."""
    found: set[Path] = set()
    waiting = sorted((package / "functions").glob("*.py"))
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [*_packages_above(package, path), *_imported(package, path)]
    return sorted(found)


def _packages_above(package: Path, path: Path) -> Iterator[Path]:
    for folder in path.relative_to(package.parent).parents:
        if folder != Path():
            yield package.parent / folder / "__init__.py"


def _imported(package: Path, path: Path) -> Iterator[Path]:
    for name in _names(ast.parse(path.read_bytes(), filename=str(path))):
        if name.split(".")[0] == package.name:
            yield from _files(package.parent.joinpath(*name.split(".")))


def _files(module: Path) -> Iterator[Path]:
    """The file of a module or package; nothing for a name that is only a class or a function."""
    candidates = (module.with_suffix(".py"), module / "__init__.py")
    return (candidate for candidate in candidates if candidate.is_file())


def _names(tree: ast.AST) -> Iterator[str]:
    """The modules that running `tree` may import; what is imported for type checkers alone is left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and _for_type_checkers(node):
            yield from _names(ast.Module(node.orelse, []))
        else:
            yield from _names(node)


def _for_type_checkers(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _archived(package: Path, path: Path) -> str:
    return path.relative_to(package.parent).as_posix()


def _zipped(files: dict[str, bytes]) -> bytes:
    # Stored, not deflated: zlib's output differs between its versions, and all of it is well under a megabyte.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, wherever it was made: the permissions below are read as such
            entry.external_attr = READABLE_FILE
            archive.writestr(entry, files[name])
    return buffer.getvalue()
