"""Client of the service's HTTP API: signs requests with Signature Version 4 and keeps one connection open."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from stockctl.aws.retry import Patience
from stockctl.domain.api import Answer
from stockctl.domain.errors import Busy, CredentialsError, OutcomeUnknown, StockctlError
from stockctl.domain.orders import Order, batched

if TYPE_CHECKING:
    from botocore.session import Session

CALLING = Patience(seconds=20.0, first_wait=0.1, longest_wait=2.0)
IN_FLIGHT = 4
"""Batches sent at the same time."""
AGAIN = "Try again: a transaction with the same id is never taken twice."


class StockApi:
    """`POST /transactions`, `POST /returns` and `GET /stock` of one stack. `log` gets a line for each request."""

    def __init__(
        self,
        session: Session,
        url: str,
        patience: Patience = CALLING,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.url = url.rstrip("/")
        self.patience = patience
        self._log = log
        credentials, region = session.get_credentials(), session.get_config_variable("region")
        self._signer = SigV4Auth(credentials, "execute-api", region) if credentials else None
        self._http = URLLib3Session(timeout=30)

    def use(self, transaction_id: str, items: Mapping[str, int]) -> Answer:
        """Sends a transaction, and repeats it until it is answered; its id makes that safe.

        Raises:
            Busy: the service stayed busy until the deadline; nothing happened.
            OutcomeUnknown: an attempt was not answered, and none after it was decided.
            CredentialsError: the API does not accept the signature.
        """
        lines = [{"typeId": ingredient, "quantity": units} for ingredient, units in items.items()]
        return self._call("POST", "/transactions", {"transactionId": transaction_id, "items": lines})

    def return_units(self, return_id: str, transaction_id: str) -> Answer:
        """Brings all units of a transaction back that are still out, and repeats that until it is answered.

        Raises:
            Busy: the batches of the units were not known before the deadline; nothing happened.
            OutcomeUnknown: an attempt was not answered, and none after it was decided.
            CredentialsError: the API does not accept the signature.
        """
        return self._call("POST", "/returns", {"returnId": return_id, "transactionId": transaction_id})

    def use_batch(self, transactions: Sequence[object]) -> list[Answer]:
        """Sends up to 500 transactions; returns their answers in order.

        Busy ones are sent again until the deadline; after that their answer is busy.

        Raises:
            CredentialsError: the API does not accept the signature.
            OutcomeUnknown: the API did not answer, or failed.
            StockctlError: the API refused the whole batch.
        """
        answers: dict[int, Answer] = {}
        waiting = list(range(len(transactions)))
        try:
            for _ in self.patience.attempts("POST /transactions/batch"):
                batch = {"transactions": [transactions[position] for position in waiting]}
                for position, answer in zip(waiting, self._answers(batch), strict=True):
                    if answer.status_code != 503 or not _is_unknown(answers.get(position)):
                        answers[position] = answer  # a later 503 decides nothing about an earlier attempt
                waiting = [position for position in waiting if answers[position].status_code == 503]
                if not waiting:
                    break
        except Busy as busy:
            for position in waiting:  # a batch that was throttled has no answers at all
                answers.setdefault(position, Answer(503, {"code": "busy", "message": busy.message}))
        return [answers[position] for position in range(len(transactions))]

    def _answers(self, batch: Mapping[str, object]) -> list[Answer]:
        answer = self._call("POST", "/transactions/batch", batch)
        if answer.status_code != 200:
            raise StockctlError(f"the service refused this batch: {answer.body.get('message')}")
        return [Answer(one["statusCode"], one["body"]) for one in answer.body["answers"]]

    def levels(self, ingredients: Sequence[str]) -> list[Mapping[str, Any]]:
        """The levels of these ingredients from `GET /stock`; unknown ones are left out."""
        query = urlencode([("typeId", ingredient) for ingredient in ingredients], quote_via=quote)
        levels: list[Mapping[str, Any]] = self._call("GET", f"/stock?{query}").body["stock"]
        return levels

    def _call(self, method: str, path: str, document: object = None) -> Answer:
        """Repeats a request until the answer is final."""
        fault: StockctlError = Busy("the service stayed busy", AGAIN)
        try:
            for _ in self.patience.attempts(f"{method} {path}"):
                try:
                    answer = self._send(method, path, document)
                except HTTPClientError as error:
                    what = f"the API at {self.url} did not answer: {error}"
                    fault = OutcomeUnknown(what, f"Check the network. {AGAIN}")
                    continue
                if answer.status_code < 500 and answer.status_code != 429:
                    return _allowed(answer)
                if not isinstance(fault, OutcomeUnknown):  # a later answer decides nothing about an earlier attempt
                    fault = _broken(answer)
        except Busy:
            raise fault from None
        raise AssertionError  # attempts end by raising

    def _send(self, method: str, path: str, document: object) -> Answer:
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        request = AWSRequest(method, self.url + path, {"Content-Type": "application/json"}, body)
        if self._signer:
            self._signer.add_auth(request)
        began = time.perf_counter()
        outcome, number = "no answer", "-"
        try:
            response = self._http.send(request.prepare())
            outcome, number = str(response.status_code), response.headers.get("apigw-requestid", "-")
        finally:
            took = (time.perf_counter() - began) * 1000
            self._log(f"api {method} {path}: {outcome} in {took:.0f} ms, request {number}")
        return Answer(response.status_code, _decoded(response.content))


def use_all(
    api: StockApi, orders: Iterable[Order], in_flight: int = IN_FLIGHT, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Order, Answer]]:
    """Sends orders in batches and yields each with its answer, in order. Reads ahead only what is being sent.

    Raises:
        StockctlError: a batch could not be sent; what was accepted is replayed when the orders are sent again.
    """
    waiting: deque[Future[list[tuple[Order, Answer]]]] = deque()
    with ThreadPoolExecutor(in_flight) as threads:
        try:
            for batch in batched(orders):
                if is_stopped():
                    break
                waiting.append(threads.submit(_send, api, batch))
                if len(waiting) > in_flight:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _send(api: StockApi, batch: list[Order]) -> list[tuple[Order, Answer]]:
    return list(zip(batch, api.use_batch([order.transaction for order in batch]), strict=True))


def _is_unknown(answer: Answer | None) -> bool:
    return answer is not None and answer.body.get("code") == "outcome_unknown"


def _decoded(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {"message": content.decode(errors="replace")[:200]}
    return document if isinstance(document, dict) else {"message": str(document)}


def _allowed(answer: Answer) -> Answer:
    if answer.status_code in {401, 403}:
        message = answer.body.get("message") or answer.body.get("Message") or "Forbidden"
        raise CredentialsError(
            f"the API refused these credentials: {message}", "They need execute-api:Invoke on the stack's API."
        )
    if answer.status_code == 404 and "code" not in answer.body:
        raise StockctlError("the API has no such path", "The stack is older than this program: run `stockctl deploy`.")
    return answer


def _broken(answer: Answer) -> StockctlError:
    if answer.status_code == 429:
        return Busy("the API is throttling", f"{AGAIN} For more at once, raise the limits of its stage.")
    message = answer.body.get("message", "no reason given")
    if answer.status_code == 503 and "code" in answer.body:
        return (OutcomeUnknown if _is_unknown(answer) else Busy)(str(message), AGAIN)
    return OutcomeUnknown(f"the service failed ({answer.status_code}): {message}", "`stockctl logs` shows why.")
