"""The zip that Lambda runs: four whole folders of this package.

The same sources give the same bytes on every machine, so a key made from the content shows whether the code changed.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from stockctl.deployment.artifacts import Artifact
from stockctl.deployment.template import PACKAGE

FOLDERS = ("domain", "aws", "operations", "functions")
# The earliest time a zip can hold: when a file was checked out is not part of the code.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE_FILE = 0o100644 << 16


def bundle(package: Path = PACKAGE) -> Artifact:
    """The functions of `package` (the folder `stockctl`) with the modules they import."""
    content = _zipped({path.relative_to(package.parent).as_posix(): path.read_bytes() for path in modules(package)})
    return Artifact.of("bundles", content, "zip")


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
