"""PostReturn: brings units of an accepted transaction back into stock, all or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockctl.domain.api import Answer, answer_to_return, charges_pending, invalid
from stockctl.domain.errors import Busy
from stockctl.domain.returns import return_from
from stockctl.domain.transaction import InvalidRequest
from stockctl.functions import wiring
from stockctl.functions.http import json_body, response
from stockctl.operations.return_units import return_units

wiring.prepare(wiring.returns)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers `POST /returns`."""
    return response(_answer(event))


def _answer(event: Mapping[str, Any]) -> Answer:
    try:
        request = return_from(json_body(event))
        return answer_to_return(request, return_units(wiring.returns(), request))
    except InvalidRequest as fault:
        return invalid(fault)
    except Busy:
        return charges_pending()
