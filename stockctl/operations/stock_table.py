"""Reading the stock table: one ingredient whole, or every level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from stockctl.aws.errors import code_of
from stockctl.aws.retry import Patience
from stockctl.domain.commit import Commit
from stockctl.domain.errors import Refused
from stockctl.domain.stock import Batch, Holding, Level
from stockctl.operations import conditions, rows
from stockctl.operations.batch_reads import rows_at
from stockctl.operations.transact import isolated_rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class StockTable:
    """Levels, rosters and batches. All reads are strongly consistent, except the list of ingredients."""

    def __init__(self, client: DynamoDBClient, name: str, patience: Patience | None = None) -> None:
        self.client = client
        self.name = name
        self.patience = patience or Patience()

    def read(self, ingredient: str) -> Holding | None:
        """All rows of one ingredient; None if it was never delivered.

        A Query may see part of a transaction; it is repeated until level and roster have the same generation.

        Raises:
            Busy: other operations kept changing the roster until the deadline.
        """
        for _ in self.patience.attempts(f"reading {ingredient}"):
            found = list(self._rows_of(ingredient))
            if not found or found[0]["batch_id"]["S"] != rows.LEVEL:
                return None
            level, last = rows.level_from(found[0]), found[-1]
            roster = rows.roster_from(last) if last["batch_id"]["S"] == rows.ROSTER else None
            if roster and roster.generation == level.generation:
                return Holding(level, roster, tuple(rows.batch_from(row) for row in found[1:-1]))
        raise AssertionError  # attempts end by raising

    def with_isolated_batches(self, holding: Holding) -> Holding:
        """The same holding, with its batches read again in a transaction (stockctl/README.md, "Torn reads").

        A Query may miss what a committed transaction did to one row and show its effect on others. A plan made from
        such a sum would charge or keep those units twice. These reads cost twice as much as a Query, so they are used
        only when the rows do not add up.

        Raises:
            Contended: a transaction is changing one of them.
        """
        stocked = [batch for batch in holding.counted if batch.quantity]
        keys = [rows.batch_key(batch.ingredient, batch.batch_id) for batch in stocked]
        read = isolated_rows(self.client, self.name, keys)
        others = (batch for batch in holding.batches if batch not in stocked)
        return replace(holding, batches=(*others, *(rows.batch_from(row) for row in read if row)))

    def level(self, ingredient: str) -> Level | None:
        """One level; None if the ingredient was never delivered."""
        row = self.client.get_item(TableName=self.name, Key=rows.level_key(ingredient), ConsistentRead=True).get("Item")
        return rows.level_from(row) if row else None

    def levels(self, ingredients: Sequence[str] | None = None) -> list[Level]:
        """The levels of these ingredients, or of all, sorted by name; unknown ingredients are left out."""
        names = sorted(set(self.ingredients() if ingredients is None else ingredients))
        found = map(rows.level_from, self._rows_at([rows.level_key(name) for name in names]))
        return sorted(found, key=lambda level: level.ingredient)

    def batches(self, names: Sequence[tuple[str, str]]) -> list[Batch]:
        """The batches with these ingredients and batch ids; those without a row are left out."""
        keys = [rows.batch_key(ingredient, batch_id) for ingredient, batch_id in dict.fromkeys(names)]
        return [rows.batch_from(row) for row in self._rows_at(keys)]

    def ingredients(self) -> list[str]:
        """The names of all ingredients, without reading a batch row."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            IndexName=rows.LEVEL_INDEX,
            KeyConditionExpression="row_type = :level",
            ExpressionAttributeValues={":level": rows.text(rows.LEVEL_ROW_TYPE)},
        )
        return [row["ingredient"]["S"] for page in pages for row in page["Items"]]

    def set_threshold(self, ingredient: str, threshold: int | None, now: float) -> None:
        """Sets the low-stock threshold of an ingredient, or removes it.

        Raises:
            Busy: concurrent uses changed the level until the deadline; the threshold is unchanged.
            Refused: the ingredient was never delivered.
        """
        values = rows.stamp("threshold", Commit.of(["threshold", ingredient], now))
        if threshold is not None:
            values[":threshold"] = threshold
        change = "REMOVE threshold SET" if threshold is None else "SET threshold = :threshold,"
        for _ in self.patience.attempts(f"the threshold of {ingredient}"):
            try:
                self.client.update_item(
                    TableName=self.name,
                    Key=rows.level_key(ingredient),
                    UpdateExpression=f"ADD version :one {change} {rows.STAMP}",
                    ConditionExpression=conditions.WAS_DELIVERED,
                    ExpressionAttributeValues=rows.in_format(values),
                )
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    raise Refused(f"no such ingredient: {ingredient}") from error
                if code_of(error) != "TransactionConflictException":  # a use is changing the level
                    raise
            else:
                return
        raise AssertionError  # attempts end by raising

    def _rows_of(self, ingredient: str) -> Iterator[rows.TableRow]:
        """Level first, batches next, roster last: the order of their sort keys."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression="ingredient = :ingredient",
            ExpressionAttributeValues={":ingredient": rows.text(ingredient)},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _rows_at(self, keys: Sequence[rows.Key]) -> Iterator[rows.TableRow]:
        return rows_at(self.client, self.name, keys, self.patience, "reading rows", ConsistentRead=True)
