"""PostReturn: brings units of an accepted transaction back into stock, all or none."""

from __future__ import annotations

from stockctl.domain.api import Answer, answer_to_return, charges_pending
from stockctl.domain.errors import Busy
from stockctl.domain.returns import return_from
from stockctl.functions import wiring
from stockctl.functions.http import Event, answering, json_body
from stockctl.operations.return_units import return_units

wiring.prepare(wiring.returns)


@answering
def handler(event: Event) -> Answer:
    """Answers `POST /returns`."""
    request = return_from(json_body(event))
    try:
        return answer_to_return(request, return_units(wiring.returns(), request))
    except Busy:
        return charges_pending()
