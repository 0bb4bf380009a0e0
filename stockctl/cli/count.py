"""`stockctl count`: compares what was counted with the levels, and books the differences."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockctl.cli.completion import TRANSACTIONS, complete_items
from stockctl.cli.ids import chosen_id, id_option
from stockctl.cli.ingredients import misspelt, quantity_hint, quantity_in, questions, sums
from stockctl.cli.moments import past_moment
from stockctl.cli.session import Session, with_writing_session
from stockctl.domain.count import BookedLine, Line, Sheet, sheets_of
from stockctl.domain.errors import Busy, OutcomeUnknown, Refused, StockctlError, UsageError
from stockctl.domain.lookalikes import lookalikes
from stockctl.domain.transaction import Unknown
from stockctl.terminal.figures import best_before, change, counts, local, units
from stockctl.terminal.output import Field, Listing, Nested, OutputFormat

if TYPE_CHECKING:
    from datetime import datetime

    from stockctl.domain.best_before import BestBefore
    from stockctl.operations.count import Agreed

MAX_SHOWINGS = 20
"""How often levels that keep changing are compared anew with --yes."""


@with_writing_session
def count(
    session: Session,
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INGREDIENT=UNITS...", help="What is there, such as ham=37 basil=0.", autocompletion=complete_items
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="CSV file with the columns ingredient and quantity; - is standard input."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="When it was counted: 2h for two hours ago, or 2026-12-31T18:00. Default: now."
        ),
    ] = None,
    written_best_before: Annotated[
        str | None,
        typer.Option(
            "--best-before", metavar="DATE", help="Best-before of units to add. Default: the soonest in stock."
        ),
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Count new ingredients even if they resemble known ones.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show the differences; book nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before booking the differences.")] = False,
    count_id: Annotated[str | None, id_option("Count")] = None,
) -> None:
    """Compare a stocktake with the levels, and book the differences.

    Missing units are discarded with the reason `count`; extra units are added. If a level changes before you
    confirm, it is shown again. If orders go on during the count, use --at to compare with the levels at that time.

    A count is booked once. If it is interrupted, repeat it with its id: it books the rest.

    Examples:
        stockctl count ham=37 basil=0
        stockctl count --file counts.csv --at 2026-12-31T22:00 --yes
        stockctl count saffron=3 --best-before 2027-06-30
    """
    from stockctl.operations.count import book

    if dry_run and count_id is not None:
        raise UsageError("--dry-run books nothing, so it has no --id", "Leave one of them out.")
    lines = _lines(session, items or [], file)
    name = chosen_id(count_id)
    moment = None if at is None else past_moment(at, "--at", session.environment.now())
    place = session.tables
    sheets = sheets_of(name, _sums(session, lines), None if moment is None else moment.isoformat())
    counting = _Counting(session, _best_before(session, written_best_before), moment, new, yes)
    if dry_run:
        counting.show_differences(sheets)
        return
    try:
        agreed = [(sheet, counting.agreed(sheet)) for sheet in sheets]  # all, so that a refusal has booked nothing
        booked = [book(place, sheet, line) for sheet, outcome in agreed for line in outcome.lines]
    except (Busy, OutcomeUnknown) as error:
        again = f"Repeat it with --id {shlex.quote(name)}: nothing is booked twice."
        raise type(error)(error.message, again) from error
    TRANSACTIONS.add(session.target.stack, [name])
    listing = _listing(name, booked, replayed=all(outcome.replayed for _, outcome in agreed))
    _show(session, booked, listing, was_shown=counting.was_shown)


def _sums(session: Session, lines: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Units by ingredient; an ingredient may be counted in several places, so its lines are added up."""
    counted = sums(lines)
    for ingredient, number in Counter(ingredient for ingredient, _ in lines).items():
        if number > 1:
            total = units(counted[ingredient])
            session.environment.note(f"note: {ingredient}: counted {total}, the sum of {number} lines")
    return counted


def _lines(session: Session, items: Sequence[str], file: str | None) -> list[tuple[str, int]]:
    if bool(items) == (file is not None):
        raise UsageError("count takes ingredients or --file", quantity_hint(0))
    if file is None:
        return [quantity_in(item, least=0) for item in items]
    from stockctl.cli.count_file import counted_in

    return counted_in(session, file)


def _best_before(session: Session, written: str | None) -> BestBefore | None:
    if written is None:
        return None
    try:
        found = session.deployment.date_reading.best_before(written.strip())
    except ValueError as error:
        raise UsageError(f"--best-before {error}", "Write it as in 2026-12-31, or `never`.") from error
    if found.expires_at <= session.environment.now().timestamp():
        raise UsageError(f"--best-before {written} has passed", "Stock that has expired cannot be added.")
    return found


@dataclass
class _Counting:
    """One run of a count."""

    session: Session
    best_before: BestBefore | None
    moment: datetime | None
    new: bool
    yes: bool
    was_shown: bool = False

    def agreed(self, sheet: Sheet) -> Agreed:
        """Agrees on a sheet, unless that was done before."""
        from stockctl.operations.count import Agreed, agreed_before

        outcome = agreed_before(self.session.tables, sheet) or self._agreed(sheet)
        if not isinstance(outcome, Agreed):
            raise Refused(
                f"another count has the id {sheet.count_id}; nothing was booked", "Give another --id, or leave it out."
            )
        return outcome

    def show_differences(self, sheets: Iterable[Sheet]) -> None:
        """Shows what would be booked now."""
        lines = [line for sheet in sheets for line in self._compared(sheet)]
        self._check(lines)
        differing = counts(sum(bool(line.difference) for line in lines), "difference")
        self.session.output.show(Listing(_LINE, lines, total=f"{differing} of {counts(len(lines), 'ingredient')}"))
        self.session.environment.note("nothing was booked (--dry-run)")

    def _agreed(self, sheet: Sheet) -> object:
        from stockctl.operations.count import Moved, agree

        lines: tuple[Line, ...] = ()
        for _ in range(MAX_SHOWINGS):
            before, lines = lines, self._compared(sheet)
            self._check(lines)
            self._ask(lines, before)
            outcome = agree(self.session.tables, sheet, lines)
            if isinstance(outcome, Unknown):
                raise OutcomeUnknown("no response: the count may have been recorded")
            if not isinstance(outcome, Moved):
                return outcome
        raise Busy("the levels keep changing", None)

    def _compared(self, sheet: Sheet) -> tuple[Line, ...]:
        from stockctl.operations.count import compared

        lines = compared(self.session.tables, sheet, self.best_before)
        return lines if self.moment is None else tuple(_as_of(self.session, lines, self.moment))

    def _check(self, lines: Sequence[Line]) -> None:
        """Refuses new ingredients that may be misspelt, and units to add without a best-before."""
        alike = self._alike(lines)
        undated = [line for line in lines if line.difference > 0 and line.best_before is None]
        if undated:
            raise _undated_refusal(undated, alike)
        if alike:
            raise misspelt(alike, "count", "booked")

    def _alike(self, lines: Sequence[Line]) -> Mapping[str, Sequence[str]]:
        """New ingredients that look like a known one, unless they are said to be new."""
        new = [line.ingredient for line in lines if line.version is None]
        return lookalikes(new, self.session.stock_table.ingredients()) if new and not self.new else {}

    def _ask(self, lines: Sequence[Line], before: Sequence[Line]) -> None:
        changed = [line for line in lines if line not in before]
        differing = [line for line in lines if line.difference]
        if self.yes or not differing:
            return
        environment = self.session.environment
        if before:
            environment.note(f"{counts(len(changed), 'level')} changed meanwhile:")
        self._preview(changed if before else lines)
        if not environment.stdin_is_terminal:
            raise UsageError("there is no terminal to ask on; nothing was booked", "Add --yes to book the differences.")
        if not environment.agrees(f"Book {counts(len(differing), 'difference')}?"):
            raise StockctlError("nothing was booked", None)

    def _preview(self, lines: Sequence[Line]) -> None:
        if self.session.output.format is OutputFormat.TABLE:
            self.was_shown = True
            self.session.output.show(Listing(_LINE, lines))
            return
        for line in lines:
            self.session.environment.note(
                f"{line.ingredient}: book {units(line.book)}, counted {units(line.counted)}, {change(line.difference)}"
            )


def _undated_refusal(undated: Sequence[Line], alike: Mapping[str, Sequence[str]]) -> Refused:
    names = [line.ingredient for line in undated]
    kind = "no such ingredient" if any(line.version is None for line in undated) else "no best-before is known of"
    hints = questions({name: alike[name] for name in names if name in alike})
    if len(hints) < len(names):
        hints.append("Add new units with --best-before DATE.")
    return Refused(f"{kind}: {', '.join(names)}; nothing was booked", " ".join(hints))


def _as_of(session: Session, lines: Sequence[Line], moment: datetime) -> Iterator[Line]:
    """The lines, compared with the levels as they were.

    Raises:
        Refused: history does not know those levels exactly, or units were counted before they could be in any level.
    """
    from stockctl.operations.levels_at import levels_at

    levels = session.stock_table.levels([line.ingredient for line in lines])
    then = {one.ingredient: one for one in levels_at(session.history_table, levels, moment)}
    never = {one.ingredient for one in then.values() if one.was_never_stocked}
    early = [line.ingredient for line in lines if line.counted and line.ingredient in never]
    if early:
        raise Refused(
            f"not in stock yet at {local(moment)}: {', '.join(early)}; nothing was booked",
            "Units that were recorded later would be added again. Count them with a later --at, or now, without --at.",
        )
    for line in lines:
        found = then.get(line.ingredient)
        if found is None:
            yield line
        elif found.quantity is None or found.missing:
            raise Refused(
                f"history does not know the level of {line.ingredient} at {local(moment)}; nothing was booked",
                "Changes appear after a few seconds. Or count it now, without --at.",
            )
        else:
            yield replace(line, book=found.quantity)


def _added_with(line: Line) -> str | None:
    return line.best_before.text if line.best_before and line.difference > 0 else None


_LINE: list[Field[Line]] = [
    Field("ingredient", lambda line: line.ingredient),
    Field("book", lambda line: line.book),
    Field("counted", lambda line: line.counted),
    Field("difference", lambda line: line.difference, format=change, style="bold"),
    Field("best_before", _added_with, "added with best-before", format=best_before, yields=1),
]


def _show(session: Session, booked: Sequence[BookedLine], listing: Listing[Any], *, was_shown: bool) -> None:
    for one in booked:
        if one.missing:
            gone = (
                "is not there any more" if one.line.difference < 0 else "could not be added: its best-before has passed"
            )
            session.environment.note(f"note: {one.line.ingredient}: {units(one.missing)} of the difference {gone}")
    if was_shown:
        session.environment.note(listing.total)
    else:
        session.output.show(listing)


def _listing(name: str, booked: Sequence[BookedLine], *, replayed: bool) -> Listing[Mapping[str, str]]:
    items: list[Field[BookedLine]] = [
        *(field.of(lambda one: one.line) for field in _LINE),
        Field("booked", lambda one: one.units, in_table=False),
    ]
    status = "replayed" if replayed else "counted"
    fields: list[Field[Mapping[str, str]]] = [
        Field("count_id", lambda one: one["count_id"], in_table=False),
        Field("status", lambda one: one["status"], in_table=False),
    ]
    differing = sum(bool(one.line.difference) for one in booked)
    happened = f"{counts(differing, 'difference')} of {counts(len(booked), 'ingredient')} booked"
    total = f"count {name}: " + ("agreed on before; each difference is booked once" if replayed else happened)
    nested: Nested[Mapping[str, str]] = Nested("items", lambda _: booked, items)
    return Listing(fields, [{"count_id": name, "status": status}], nested, total=total, is_document=True)
