"""What deliveries brought, by their receipts, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stockctl.domain.receipt import Receipt
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.operations.stock_table import StockTable


@dataclass(frozen=True)
class RecordedBatch:
    """One recorded row of a delivery and its batch; None where that has expired, and its row is removed."""

    ingredient: str
    delivery: str
    best_before: str
    units: int
    batch: Batch | None

    @property
    def batch_id(self) -> str:
        return batch_id_of(self.delivery, self.best_before)

    @property
    def left(self) -> int:
        """What is left of it."""
        return self.batch.quantity if self.batch else 0

    @property
    def status(self) -> str:
        """What became of it, in words."""
        if self.batch is None:
            return "expired"
        if self.batch.quantity:
            return "in stock"
        if not self.batch.discarded:
            return "used up"
        return "discarded" if self.batch.discarded == self.batch.received else "used, rest discarded"


def recorded_batches(stock: StockTable, receipts: Sequence[Receipt]) -> list[RecordedBatch]:
    """The batches of deliveries, in the order of their receipts."""
    rows = [(receipt["delivery"], row) for receipt in receipts for row in receipt["recorded"]]
    names = [(row["ingredient"], batch_id_of(delivery, row["best_before"])) for delivery, row in rows]
    batches = {(batch.ingredient, batch.batch_id): batch for batch in stock.batches(names)}
    return [
        RecordedBatch(row["ingredient"], delivery, row["best_before"], row["quantity"], batches.get(name))
        for (delivery, row), name in zip(rows, names, strict=True)
    ]
