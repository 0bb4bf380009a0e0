"""Rows at many keys, read in as few requests as DynamoDB allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from stockctl.aws.retry import Patience
from stockctl.operations.rows import Key, TableRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_PER_REQUEST = 100
"""DynamoDB's limit on the keys of one BatchGetItem or TransactGetItems."""

T = TypeVar("T")


def in_requests(keys: Sequence[T]) -> list[Sequence[T]]:
    """The keys, as many at a time as one request takes."""
    return [keys[start : start + KEYS_PER_REQUEST] for start in range(0, len(keys), KEYS_PER_REQUEST)]


def rows_at(
    client: DynamoDBClient, table: str, keys: Sequence[Key], patience: Patience, what: str, **options: object
) -> Iterator[TableRow]:
    """The rows at these keys, in any order; keys without a row are left out. `options` are BatchGetItem's of a table.

    Raises:
        Busy: DynamoDB left some unread until the deadline. `what` names the operation in the message.
    """
    for some in in_requests(keys):
        wanted: Mapping[str, Any] = {table: {"Keys": some, **options}}
        for _ in patience.attempts(what):
            answer = client.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(table, [])
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                break
