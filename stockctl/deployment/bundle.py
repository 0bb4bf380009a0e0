"""The zip that Lambda runs: four whole folders of this package, whatever stands in them.

The same sources give the same bytes on every machine, so a key made from the content says whether the code changed.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from stockctl.deployment.template import PACKAGE

FOLDERS = ("domain", "aws", "operations", "functions")
# The earliest time a zip can carry: when a file was checked out says nothing about what is in it.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE_FILE = 0o100644 << 16


@dataclass(frozen=True)
class Bundle:
    """A zip of function code and the S3 key that names its content."""

    content: bytes
    key: str


def bundle(package: Path = PACKAGE) -> Bundle:
    """The functions of `package` (the folder `stockctl`) with the rooms they stand on."""
    content = _zipped({path.relative_to(package.parent).as_posix(): path.read_bytes() for path in modules(package)})
    return Bundle(content, f"bundles/{hashlib.sha256(content).hexdigest()[:40]}.zip")


def modules(package: Path = PACKAGE) -> list[Path]:
    """Every file of the bundle, sorted."""
    inside = (path for folder in FOLDERS for path in (package / folder).rglob("*.py"))
    return sorted([package / "__init__.py", *inside])


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
