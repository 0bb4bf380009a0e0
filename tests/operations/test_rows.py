"""Rows of the stock table: what is read is what was written, also by earlier versions."""

from __future__ import annotations

from dataclasses import asdict, replace

from stockctl.domain.instants import NEVER
from stockctl.domain.stock import Batch, Level
from stockctl.operations.rows import batch_from, batch_row, level_from, number, text

LEVEL = Level("ham", 1, 2, 3, 4, 5, 6, 7, "use t1", "2026-01-01", 8, 9, 10, "c1", 11, 12)
OPTIONAL = ("next_expiry", "threshold", "discarded", "returned", "commit_id", "uncharged_units", "uncharged_through")


def test_a_level_has_everything_that_its_row_has() -> None:
    row = {name: number(value) if isinstance(value, int) else text(str(value)) for name, value in asdict(LEVEL).items()}
    assert level_from(row) == LEVEL
    for name in OPTIONAL:
        del row[name]
    earlier = replace(LEVEL, next_expiry=None, threshold=None, discarded=0, returned=0, commit_id="")
    assert level_from(row) == replace(earlier, uncharged_units=0, uncharged_through=0)


def test_a_batch_has_everything_that_its_row_has() -> None:
    new = Batch("ham", "a@d", "a", 5, 6, "2099-12-31", 1000, "etag", "2026-01-01")
    assert batch_from(batch_row(new)) == new
    assert batch_from(batch_row(replace(new, expires_at=NEVER))).expires_at == NEVER
    row = batch_row(new) | {"charged_through": number(7), "charged_at": text("then"), "discarded": number(8)}
    assert batch_from(row) == replace(new, charged_through=7, charged_at="then", discarded=8)
