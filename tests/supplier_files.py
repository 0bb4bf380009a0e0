"""Files as suppliers send them, in tests/suppliers, and what is right for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "suppliers"


@dataclass(frozen=True)
class Expected:
    """What becomes of one file: units by ingredient, and for each reason the lines and a word of what is reported."""

    recorded: dict[str, int]
    rejected: dict[int, str]

    @property
    def status(self) -> str:
        if not self.recorded:
            return "rejected"
        return "partial" if self.rejected else "recorded"


FILES = {
    "semicolon.csv": Expected({"kale": 40, "fennel": 12}, {}),
    "separator-line.csv": Expected({"kale": 40}, {}),
    "tabs-and-more-columns.tsv": Expected({"kale": 7}, {}),
    "other-words.csv": Expected({"kale": 40}, {}),
    "unknown-words.csv": Expected({}, {1: "is neither a header nor a row"}),
    "title-above.csv": Expected({"kale": 40}, {}),
    "trailing-commas.csv": Expected({"kale": 40, "fennel": 12}, {}),
    "whole-decimals.csv": Expected({"flour": 40, "egg": 12}, {}),
    "thousands.csv": Expected({"kale": 40}, {2: "write 1000"}),
    "text-after-quote.csv": Expected({"kale": 40}, {2: "text follows a closing quote"}),
    "header-only.csv": Expected({}, {2: "a header and no rows"}),
    "never.csv": Expected({"salt": 5}, {3: "`never` if it does not expire"}),
    "slashes.csv": Expected({"kale": 40}, {3: "DateOrder"}),
    "odd-names.csv": Expected(
        {"ham, smoked": 4, "half/half": 6, "purée": 8, "=2+2": 2, "--every": 3, "a=c": 7, "..": 2, "50% rye": 3}, {}
    ),
    "utf-16.csv": Expected({"purée": 8}, {}),
    "windows-1252.csv": Expected({}, {22: "Save As, CSV UTF-8"}),
    "workbook.xlsx": Expected({}, {1: "a workbook"}),
}


def content_of(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
