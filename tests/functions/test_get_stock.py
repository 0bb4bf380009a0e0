"""`GET /stock` and `GET /stock/{typeId}`."""

from __future__ import annotations

import pytest

from tests.service import Service


@pytest.fixture
def stocked(service: Service) -> Service:
    service.drop("monday.csv", "ham,100,2099-12-31\nham,30,2098-12-31\nmushroom,50,2099-12-31\n")
    return service


def test_all_levels_are_listed_by_name(stocked: Service) -> None:
    status, body = stocked.get()
    assert status == 200
    assert [(level["typeId"], level["quantity"]) for level in body["stock"]] == [("ham", 130), ("mushroom", 50)]


def test_the_query_may_name_the_ones_wanted(stocked: Service) -> None:
    _, body = stocked.get(query="typeId=Mushroom&typeId=egg")
    assert [level["typeId"] for level in body["stock"]] == ["mushroom"]


@pytest.mark.parametrize(
    ("type_id", "query", "path"),
    [
        (None, "typeid=ham", "typeid"),
        (None, "typeId=ham&limit=5", "limit"),
        (None, "typeId=", "typeId"),
        (None, "all", "all"),
        ("ham", "typeId=ham", "typeId"),
        ("ham", "deliveries=yes", "deliveries"),
    ],
)
def test_a_parameter_that_is_not_known_is_refused_instead_of_ignored(
    stocked: Service, type_id: str | None, query: str, path: str
) -> None:
    status, body = stocked.get(type_id, query)
    assert (status, body["code"]) == (400, "invalid_request")
    assert [error["path"] for error in body["errors"]] == [path]


def test_a_name_with_a_slash_is_asked_for_by_the_query(service: Service) -> None:
    service.drop("monday.csv", "half/half,7,2099-12-31\n")
    assert [level["typeId"] for level in service.get(query="typeId=half%2Fhalf")[1]["stock"]] == ["half/half"]


def test_one_ingredient_comes_with_its_batches_the_soonest_first(stocked: Service) -> None:
    status, body = stocked.get("Ham")
    assert (status, body["quantity"], body["nextExpiry"]) == (200, 130, "2099-01-01T00:00:00Z")
    assert [batch["bestBefore"] for batch in body["batches"]] == ["2098-12-31", "2099-12-31"]


def test_names_of_deliveries_are_shown_to_nobody_by_default(stocked: Service) -> None:
    """They are the names of suppliers' files, and the names of batches hold them."""
    _, body = stocked.get("ham", query="deliveries=false")
    assert "monday.csv" not in str(body)
    status, body = stocked.get("ham", query="deliveries=true")
    assert (status, body["code"]) == (403, "not_allowed")


def test_names_of_deliveries_are_shown_if_allowed_and_asked_for(
    stocked: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVERY_NAMES", "true")
    assert "monday.csv" not in str(stocked.get("ham"))
    _, body = stocked.get("ham", query="deliveries=true")
    assert [batch["delivery"] for batch in body["batches"]] == ["monday.csv", "monday.csv"]
    assert body["batches"][0]["batchId"] == "monday.csv@2098-12-31"


@pytest.mark.parametrize("type_id", ["egg", " ", "x" * 200])
def test_an_ingredient_that_was_never_delivered_is_not_found(stocked: Service, type_id: str) -> None:
    status, body = stocked.get(type_id)
    assert (status, body["code"]) == (404, "not_found")


def test_more_levels_than_fit_one_request_are_all_listed(service: Service) -> None:
    """A request reads up to 100."""
    service.drop("many.csv", "".join(f"item {number:03},1,2099-01-01\n" for number in range(101)))
    assert len(service.get()[1]["stock"]) == 101
