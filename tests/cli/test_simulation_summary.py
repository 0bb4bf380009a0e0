"""The summary of a simulation keeps every figure on a narrow terminal, and separates orders from units."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from stockctl.cli.simulation_run import FIGURES, equation
from stockctl.simulation.summary import Summary
from stockctl.terminal.environment import Environment
from stockctl.terminal.output import Listing, Output, OutputFormat

SUMMARY = Summary(92, 6, {"olive": 5, "pineapple": 1}, 40, 12_220, 6_290, 260, 5_710)


@pytest.mark.parametrize("columns", [60, 80])
def test_every_figure_is_on_the_screen(columns: int) -> None:
    shown = io.StringIO()
    environment = Environment(io.StringIO(), shown, io.StringIO(), {"COLUMNS": str(columns)})
    Output(environment, OutputFormat.TABLE).show(Listing(FIGURES, [SUMMARY], is_document=True))
    lines = [line.split() for line in shown.getvalue().splitlines()]
    assert ["orders", "orders", "units", "units", "units", "units"] in lines
    assert ["served", "refused", "received", "used", "expired", "on", "hand", "waste"] in lines
    assert ["92", "6", "12,220", "6,290", "260", "5,710", "4%"] in lines


def test_waste_is_the_share_that_the_report_of_a_stack_shows() -> None:
    """Of all that left stock for good: returns did not, discards did."""
    assert replace(SUMMARY, used=735, expired=58, discarded=12, returned=44).waste == 70 / 761


def test_the_equation_has_every_unit() -> None:
    summary = replace(SUMMARY, discarded=12, returned=2)
    assert (
        equation(SUMMARY)
        == "the figures add up: 40 before + 12,220 received = 5,710 on hand + 6,290 used + 260 expired"
    )
    assert equation(summary).endswith("2 returned = 5,710 on hand + 6,290 used + 260 expired + 12 discarded")
