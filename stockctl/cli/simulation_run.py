"""One run of a simulation: kitchen in a thread, screen or progress lines, and the summary."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stockctl.cli.kitchen_lines import kitchen_lines, most_lacking
from stockctl.cli.session import Session
from stockctl.cli.settings import DEFAULT_STACK
from stockctl.cli.watch_feed import Feeds, LevelSource, first_view
from stockctl.domain.errors import ExitCode, StockctlError
from stockctl.simulation.summary import Summary, summary_of
from stockctl.terminal.live import watch_live
from stockctl.terminal.output import Field, Listing, OutputFormat
from stockctl.terminal.watch_model import Watched

if TYPE_CHECKING:
    from rich.text import Text

    from stockctl.domain.stock import Level
    from stockctl.simulation.service import Service

SETTLE_SECONDS = 20.0
"""How long to wait for the last deliveries to be recorded."""
STREAM_SECONDS = 5.0
"""How long to wait for the last changes on the stream; only the screen and the report need them."""
SUMMARY_LINES = 10
"""Lines of the summary, printed below the last frame."""
PROGRESS_SECONDS = 5.0
"""Seconds between two progress lines."""
FIGURES: tuple[Field[Summary], ...] = (
    Field("served", lambda summary: summary.served, heading="orders\nserved"),
    Field("refused", lambda summary: summary.refused, heading="orders\nrefused"),
    Field("refused_for", lambda summary: summary.refused_for, in_table=False),
    Field("carried_over", lambda summary: summary.carried_over, in_table=False),
    Field("received", lambda summary: summary.received, heading="units\nreceived"),
    Field("used", lambda summary: summary.used, heading="units\nused"),
    Field("expired", lambda summary: summary.expired, heading="units\nexpired"),
    Field("on_hand", lambda summary: summary.on_hand, heading="units\non hand"),
    Field("discarded", lambda summary: summary.discarded, in_table=False),
    Field("returned", lambda summary: summary.returned, in_table=False),
    Field("waste", lambda summary: round(summary.waste, 3), shown=lambda summary: f"{summary.waste:.0%}"),
    Field("adds_up", lambda summary: summary.adds_up, in_table=False),
)
"""What is printed of a summary."""


class SimulationRun:
    """One run of one kitchen, shown while it runs."""

    def __init__(self, session: Session, service: Service, feeds: Feeds) -> None:
        self._session, self._service, self._feeds = session, service, feeds
        self._names = service.schedule.kitchen.ingredients
        self._before = list(feeds.stock.levels(self._names))
        self._watched, self._start = Watched(self._names), Watched(self._names)
        for level in self._before:
            self._watched.present(level)
            self._start.present(level)
        self._view = first_view(session.environment, f"stockctl simulate {service.schedule.kitchen.name}", self._names)
        self._failure: Exception | None = None
        self._late: list[str] = []
        self._summary: Summary | None = None
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="kitchen", daemon=True)

    def run(self, report: Path | None) -> None:
        """Runs until the plan is done, or until `q` or Ctrl-C; then prints the summary.

        Raises:
            StockctlError: the figures do not add up.
            typer.Exit: 130, after Ctrl-C.
        """
        plan = self._service.schedule
        self._note(f"simulating {plan.kitchen.name} with seed {plan.seed}; Ctrl-C ends the run")
        self._service.open()
        self._thread.start()
        was_interrupted = False
        try:
            self._show()
        except KeyboardInterrupt:
            was_interrupted = True
        summary = self._summary or self._ended()
        self._print(summary)
        if report:
            self._write(report, summary)
        if was_interrupted:
            raise typer.Exit(ExitCode.INTERRUPTED)
        if not summary.adds_up:
            raise StockctlError(
                "the figures do not add up: " + "; ".join(summary.faults[:5]),
                "If nothing else uses this stack, look at `stockctl reconcile --check` and `stockctl failures`.",
            )

    def _serve(self) -> None:
        try:
            self._service.serve()
            self._late = self._service.settle(SETTLE_SECONDS)
            self._wait_for_screen()
        except Exception as error:  # raised again in the main thread
            self._failure = error

    def _wait_for_screen(self) -> None:
        """Keeps the run going until the screen has the last changes, so that its last frame is the summary's."""
        versions = self._versions(self._feeds.stock.levels(self._names))
        deadline = time.monotonic() + STREAM_SECONDS
        while not self._is_ending.is_set() and time.monotonic() < deadline and not self._has(versions):
            time.sleep(0.1)

    def _is_over(self) -> bool:
        return not self._thread.is_alive()

    def _show(self) -> None:
        window = self._service.schedule.duration / self._service.speed + SETTLE_SECONDS
        began = self._service.began - 2
        source = LevelSource(self._watched, self._feeds, began, window=window, is_over=self._is_over, notes=self._lines)
        environment = self._session.environment
        if self._session.output.format is OutputFormat.TABLE and environment.draws_screens and not environment.quiet:
            watch_live(source, self._view, environment, below=SUMMARY_LINES, settle=self._settle)
        else:
            self._show_progress(source)

    def _show_progress(self, source: LevelSource) -> None:
        next_line = time.monotonic() + PROGRESS_SECONDS
        view = self._view
        while not self._is_over():
            view = source.refresh(view)
            if time.monotonic() >= next_line:
                next_line += PROGRESS_SECONDS
                self._note(" | ".join(line.plain for line in view.notes))
            time.sleep(0.1)

    def _lines(self) -> Sequence[Text]:
        return kitchen_lines(self._service, self._watched, self._start, self._view.glyphs)

    def _settle(self) -> None:
        """Ends the run before the last frame, whose figures are then those of the summary."""
        self._summary = self._ended()

    def _ended(self) -> Summary:
        """Ends the service, and counts once all that was delivered has been recorded."""
        self._is_ending.set()
        self._service.stop()
        self._thread.join(2 * SETTLE_SECONDS)
        if self._failure:
            raise self._failure
        for key in self._late:
            self._note(f"{key} has no receipt yet and is not counted")
        after = self._feeds.stock.levels(self._names)
        self._catch_up(self._versions(after))
        return summary_of(self._before, after, self._service.tally)

    def _catch_up(self, versions: dict[str, int]) -> None:
        """Reads the changes that are still on the stream, for the report."""
        deadline = time.monotonic() + STREAM_SECONDS
        while time.monotonic() < deadline:
            for change in self._feeds.stream.changes():
                self._watched.changed(change)
            if self._has(versions):
                return
            time.sleep(0.1)

    def _has(self, versions: dict[str, int]) -> bool:
        """Whether the screen has levels as new as these."""
        latest = {one.name: one.latest.version for one in self._watched.ingredients if one.latest}
        return all(latest.get(name, 0) >= version for name, version in versions.items())

    def _versions(self, levels: Iterable[Level]) -> dict[str, int]:
        return {level.ingredient: level.version for level in levels}

    def _print(self, summary: Summary) -> None:
        notes = [
            equation(summary) if summary.adds_up else "",
            f"refused for lack of {most_lacking(summary.refused_for)}" if summary.refused_for else "",
        ]
        total = "; ".join(filter(None, notes))
        self._session.output.show(Listing(FIGURES, [summary], total=total, is_document=True))
        stack = self._session.target.stack
        if stack != DEFAULT_STACK:
            self._note(f"the stock is still there: `stockctl stock --stack {stack}`")

    def _write(self, report: Path, summary: Summary) -> None:
        from stockctl.simulation.run_report import report_of

        histories = {one.name: one.points for one in self._watched.ingredients}
        text = report_of(report.suffix.lower(), self._service, summary, histories)
        try:
            report.write_text(text, encoding="utf-8")
        except OSError as error:
            raise StockctlError(f"{report} cannot be written: {error.strerror}", "Give another --report.") from error
        self._note(f"wrote {report}")

    def _note(self, line: str) -> None:
        self._session.environment.note(f"stockctl: {line}")


def equation(summary: Summary) -> str:
    """Where all units came from, and where they are."""
    gained = (summary.carried_over, "before"), (summary.received, "received"), (summary.returned, "returned")
    gone = (summary.used, "used"), (summary.expired, "expired"), (summary.discarded, "discarded")
    sides = [[f"{count:,} {name}" for count, name in side if count] for side in (gained, gone)]
    return f"the figures add up: {' + '.join(sides[0])} = {' + '.join([f'{summary.on_hand:,} on hand', *sides[1]])}"
