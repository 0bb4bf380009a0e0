"""GetStock: lists levels and batches."""

from __future__ import annotations

import os
from urllib.parse import parse_qs

from stockctl.domain.api import Answer, holding_document, levels_document, not_allowed, not_found
from stockctl.domain.stock import ingredient_named
from stockctl.domain.transaction import Fault, InvalidRequest
from stockctl.functions import wiring
from stockctl.functions.http import Event, answering

wiring.prepare(wiring.stock_table)


@answering
def handler(event: Event) -> Answer:
    """Answers `GET /stock`, `GET /stock?typeId=…`, `GET /stock/{typeId}` and `GET /stock/{typeId}?deliveries=true`.

    API Gateway decodes a slash in the path before it matches the route, so an ingredient with a slash in its name is
    found by `?typeId=` alone.
    """
    type_id = (event.get("pathParameters") or {}).get("typeId")
    if type_id is None:
        return _several(_parameters(event, "typeId"))
    return _one(type_id, with_deliveries=_are_deliveries_wanted(_parameters(event, "deliveries")))


def _parameters(event: Event, known: str) -> list[str]:
    """The values of the one parameter that the query may have.

    Raises:
        InvalidRequest: a parameter is not known: the answer would be to another question than the caller's.
    """
    parameters = parse_qs(event.get("rawQueryString") or "", keep_blank_values=True)
    if unknown := sorted(parameters.keys() - {known}):
        raise InvalidRequest([Fault(name, f"is not a parameter; the only one is {known}") for name in unknown])
    return parameters.get(known, [])


def _are_deliveries_wanted(values: list[str]) -> bool:
    if set(values) - {"true", "false"}:
        raise InvalidRequest([Fault("deliveries", "must be true or false")])
    return values[-1:] == ["true"]


def _several(type_ids: list[str]) -> Answer:
    """All levels, or those of the ingredients in the query: `?typeId=ham&typeId=mushroom`."""
    try:
        ingredients = [ingredient_named(type_id) for type_id in type_ids] if type_ids else None
    except ValueError as error:
        raise InvalidRequest([Fault("typeId", str(error))]) from error
    return Answer(200, levels_document(wiring.stock_table().levels(ingredients)))


def _one(type_id: str, *, with_deliveries: bool) -> Answer:
    if with_deliveries and os.environ.get("DELIVERY_NAMES") != "true":
        return not_allowed("this stack does not show deliveries: deploy it with DeliveryNames=true")
    try:
        holding = wiring.stock_table().read(ingredient_named(type_id))
    except ValueError as error:
        return not_found(f"typeId {error}")
    if holding is None:
        return not_found(f"no such ingredient: {type_id}")
    return Answer(200, holding_document(holding, with_deliveries=with_deliveries))
