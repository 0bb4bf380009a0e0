"""GetStock: what is in stock, for the menu service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from stockctl.domain.api import Answer, busy, holding_document, levels_document, not_found
from stockctl.domain.errors import Busy
from stockctl.domain.stock import ingredient_named
from stockctl.functions import wiring
from stockctl.functions.http import response


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers `GET /stock`, `GET /stock?typeId=…` and `GET /stock/{typeId}`."""
    type_id = (event.get("pathParameters") or {}).get("typeId")
    try:
        return response(_several(event) if type_id is None else _one(type_id))
    except Busy:
        return response(busy())


def _several(event: Mapping[str, Any]) -> Answer:
    """All levels, or those of the ingredients that the query names: `?typeId=ham&typeId=mushroom`."""
    wanted = parse_qs(event.get("rawQueryString") or "").get("typeId")
    try:
        ingredients = [ingredient_named(type_id) for type_id in wanted] if wanted else None
    except ValueError as error:
        return not_found(f"typeId {error}")
    return Answer(200, levels_document(wiring.stock_table().levels(ingredients)))


def _one(type_id: str) -> Answer:
    try:
        holding = wiring.stock_table().read(ingredient_named(type_id))
    except ValueError as error:
        return not_found(f"typeId {error}")
    return Answer(200, holding_document(holding)) if holding else not_found(f"{type_id} was never delivered")
