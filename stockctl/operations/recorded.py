"""What deliveries brought, by their receipts, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stockctl.domain.receipt import Receipt
from stockctl.domain.returns import is_return
from stockctl.domain.stock import Batch, batch_id_of
from stockctl.operations.stock_table import StockTable


@dataclass(frozen=True)
class RecordedBatch:
    """One recorded row of a delivery, and the rows of its batch and of the batches that its units came back as.

    Those whose best-before has passed may be removed.
    """

    ingredient: str
    delivery: str
    best_before: str
    units: int
    batches: tuple[Batch, ...]

    @property
    def batch_id(self) -> str:
        return batch_id_of(self.delivery, self.best_before)

    @property
    def left(self) -> int:
        """What is left of it, returned units included."""
        return sum(batch.quantity for batch in self.batches)

    @property
    def status(self) -> str:
        """What became of it, in words."""
        if self.left:
            return "in stock"
        if self.batch_id not in {batch.batch_id for batch in self.batches}:
            return "past its best-before"
        discarded = sum(batch.discarded for batch in self.batches)
        if not discarded:
            return "used up"
        return "discarded" if discarded >= self.units else "used, rest discarded"


def recorded_batches(stock: StockTable, receipts: Sequence[Receipt]) -> list[RecordedBatch]:
    """The batches of deliveries, in the order of their receipts."""
    rows = [(receipt["delivery"], row) for receipt in receipts for row in receipt["recorded"]]
    names = [(row["ingredient"], batch_id_of(delivery, row["best_before"])) for delivery, row in rows]
    batches: dict[tuple[str, str], list[Batch]] = {}
    for batch in (*stock.batches(names), *_returned(stock, [ingredient for ingredient, _ in names])):
        batches.setdefault((batch.ingredient, batch_id_of(batch.delivery, batch.best_before)), []).append(batch)
    return [
        RecordedBatch(row["ingredient"], delivery, row["best_before"], row["quantity"], tuple(batches.get(name, ())))
        for (delivery, row), name in zip(rows, names, strict=True)
    ]


def _returned(stock: StockTable, ingredients: Sequence[str]) -> Iterator[Batch]:
    """The batches that units of these ingredients came back as. Only an ingredient with returns is read whole."""
    names = [level.ingredient for level in stock.levels(ingredients) if level.returned]
    for holding in filter(None, map(stock.read, names)):
        yield from (batch for batch in holding.batches if is_return(batch.batch_id))
