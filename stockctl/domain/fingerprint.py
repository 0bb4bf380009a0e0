"""What the content of a file is known by: its checksum, and the entity tags that S3 may give it.

The same bytes have another entity tag where they were uploaded in several parts, so contents are compared by checksum.
Records and receipts of earlier versions hold an entity tag alone; most of those are the MD5 of the content.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO

_PIECE = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """The SHA-256 of a content (hex), and the entity tags that mean the same content."""

    checksum: str
    tags: frozenset[str]

    @classmethod
    def of(cls, content: IO[bytes], tag: str | None = None) -> Fingerprint:
        """The fingerprint of a content, which is read from its beginning; `tag` is the entity tag S3 gave it."""
        content.seek(0)
        checksum, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        while piece := content.read(_PIECE):
            checksum.update(piece)
            md5.update(piece)
        tags = {md5.hexdigest(), tag} if tag else {md5.hexdigest()}
        return cls(checksum.hexdigest(), frozenset(tags))

    def is_of(self, checksum: str | None, tag: str | None) -> bool:
        """Whether a record with this checksum and entity tag, either of which may be absent, is of this content."""
        return checksum == self.checksum if checksum else tag in self.tags
