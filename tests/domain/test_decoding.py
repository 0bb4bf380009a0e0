"""Encodings: what is read, and how the rest is named."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zipfile

import pytest

from stockctl.domain.decoding import decoded_lines
from stockctl.domain.rejection import UnreadableFile

TEXT = "ingredient,quantity\r\npurée,1\nkäse 🧀,2"
LINES = ["ingredient,quantity\r\n", "purée,1\n", "käse 🧀,2"]


def lines_of(content: bytes) -> list[str]:
    return list(decoded_lines(io.BytesIO(content)))


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    ],
)
def test_utf_8_and_utf_16_with_a_byte_order_mark_are_read(content: bytes) -> None:
    assert lines_of(content) == LINES


def test_a_pipe_is_read_as_a_file_is() -> None:
    reads, writes = os.pipe()
    with os.fdopen(writes, "wb") as pipe:
        pipe.write(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"))
    with os.fdopen(reads, "rb") as pipe:
        assert list(decoded_lines(pipe)) == LINES


@pytest.mark.parametrize("line", [1, 2, 41, 5_000])
@pytest.mark.parametrize("bad", ["purée,1\n".encode("cp1252"), b"\xff\n", b"\xed\xa0\x80\n", b"caf\xc3"])
def test_another_encoding_is_named_with_the_line_of_its_first_byte(line: int, bad: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"not UTF-8.*CSV UTF-8") as raised:
        lines_of(b"leek,1\n" * (line - 1) + bad)
    assert raised.value.rejection.line == line


def test_utf_16_that_is_cut_off_or_has_half_a_pair_is_named_with_its_line() -> None:
    start = codecs.BOM_UTF16_LE + "leek,1\n".encode("utf-16-le")
    for end in (b"a", b"\x00\xd8\n\x00"):
        with pytest.raises(UnreadableFile, match="not UTF-16") as raised:
            lines_of(start + end)
        assert raised.value.rejection.line == 2


def workbook() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return content.getvalue()


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        zipped.writestr("monday.csv", TEXT)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (workbook(), "a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "a workbook"),
        (archive(), "a zip archive"),
        (gzip.compress(TEXT.encode(), mtime=0), "a gzip archive"),
        (b"%PDF-1.7\n", "a PDF"),
        (TEXT.encode("utf-16-le"), "neither UTF-8 nor UTF-16"),
        (TEXT.encode("utf-32"), "neither UTF-8 nor UTF-16"),
    ],
)
def test_what_is_no_text_is_named(content: bytes, kind: str) -> None:
    with pytest.raises(UnreadableFile, match=kind):
        lines_of(content)


def test_a_long_line_is_found_before_it_is_held_whole() -> None:
    class Endless(io.RawIOBase):
        read_so_far = 0

        def readable(self) -> bool:
            return True

        def readinto(self, into: memoryview) -> int:  # type: ignore[override]
            self.read_so_far += len(into)
            into[:] = b"," * len(into)
            return len(into)

    endless = Endless()
    with pytest.raises(UnreadableFile, match="longer than 64 KB"):
        list(decoded_lines(io.BufferedReader(endless)))
    assert endless.read_so_far < 1 << 20
