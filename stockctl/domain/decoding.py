"""Text out of bytes: the encodings that files come in, line by line, in bounded memory.

UTF-8 with or without a byte order mark, and UTF-16 with one, are read. Anything else is named, with the line of the
first byte that does not fit.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import IO

from stockctl.domain.rejection import Rejection, UnreadableFile

MAX_LINE = 64 * 1024
"""The most characters of one line."""

SAVE_AS_UTF_8 = "save it as UTF-8; in Excel: Save As, CSV UTF-8"
SAVE_AS_CSV = "save the sheet as text; in Excel: Save As, CSV UTF-8"
_HEAD = 4096
_ENCODINGS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_ZIP, _GZIP, _OLD_EXCEL, _PDF = b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF-"
_IN_A_WORKBOOK = (b"[Content_Types].xml", b"xl/", b"vnd.oasis.opendocument.spreadsheet", b"Index/")
"""What stands near the beginning of Excel's, LibreOffice's and Apple's workbooks, which are zip archives."""


def decoded_lines(content: IO[bytes], longest: int = MAX_LINE) -> Iterator[str]:
    """The lines of a file, line endings kept, a byte order mark dropped.

    Raises:
        UnreadableFile: it is no text, is in another encoding, or has a line of more than `longest` characters.
    """
    encoding = _encoding_of(_head_of(content))
    # Bytes that do not fit come out as lone surrogates, so that the line they stand on is known.
    errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
    text = io.TextIOWrapper(content, encoding=encoding, errors=errors, newline="")
    try:
        yield from _lines(text, longest)
    finally:
        if not content.closed:  # else it would be closed along with the text around it
            text.detach()


def _lines(text: io.TextIOWrapper, longest: int) -> Iterator[str]:
    number = 1
    try:
        line = text.readline(longest + 1).removeprefix("\ufeff")
        while line:
            if len(line) > longest:
                reason = f"the line is longer than {longest >> 10} KB"
                raise _unreadable(number, reason, "end each row with a line break")
            if not line.isascii():
                line.encode()
            yield line
            number += 1
            line = text.readline(longest + 1)
    except UnicodeError as error:
        name = "UTF-8" if text.encoding == "utf-8" else "UTF-16"
        raise _unreadable(number, f"the file is not {name} text from this line on", SAVE_AS_UTF_8) from error


def _head_of(content: IO[bytes]) -> bytes:
    if isinstance(content, io.BufferedReader):  # a pipe cannot go back
        return content.peek(_HEAD)[:_HEAD]
    start = content.tell()
    head = content.read(_HEAD)
    content.seek(start)
    return head


def _encoding_of(head: bytes) -> str:
    if kind := _kind_of(head):
        raise _unreadable(1, f"the file is {kind}, not text", SAVE_AS_CSV)
    if head.startswith(_UTF_32) or (len(head) > 1 and (head[0] == 0) != (head[1] == 0)):
        raise _unreadable(1, "the file is neither UTF-8 nor UTF-16 with a byte order mark", SAVE_AS_UTF_8)
    return next((encoding for mark, encoding in _ENCODINGS if head.startswith(mark)), "utf-8")


def _kind_of(head: bytes) -> str | None:
    if head.startswith(_ZIP):
        return "a workbook" if any(sign in head for sign in _IN_A_WORKBOOK) else "a zip archive"
    if head.startswith(_OLD_EXCEL):
        return "a workbook"
    if head.startswith(_GZIP):
        return "a gzip archive"
    return "a PDF" if head.startswith(_PDF) else None


def _unreadable(line: int, reason: str, advice: str) -> UnreadableFile:
    return UnreadableFile(Rejection(line, "", "", reason, advice))
