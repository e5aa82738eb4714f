"""The table of what was broken on purpose and what came of it: in README.md, a line for each part and store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

README: Final = Path(__file__).with_name("README.md")
BEGIN: Final = "<!-- faults: begin -->"
END: Final = "<!-- faults: end -->"
HEAD: Final = (
    "| part | store | what was done, and what came of it | kept | took | on |",
    "| --- | --- | --- | --- | --- | --- |",
)


class Line(NamedTuple):
    """What came of one part on one store. ``kept``: whether every promise was."""

    part: str
    store: str
    told: str
    kept: bool
    seconds: float

    def text(self) -> str:
        """As it stands in the table, with today's date."""
        took = f"{self.seconds / 60:.0f} min" if self.seconds >= 90 else f"{self.seconds:.0f} s"
        kept = "yes" if self.kept else "**no**"
        return f"| {self.part} | {self.store} | {self.told} | {kept} | {took} | {datetime.now(UTC):%Y-%m-%d} |"


def write(line: Line) -> None:
    """Put a line into the table, in place of that of an earlier run."""
    before, rest = README.read_text("utf-8").split(BEGIN)
    table, after = rest.split(END)
    start = f"| {line.part} | {line.store} |"
    rows = [row for row in table.strip().splitlines()[len(HEAD) :] if not row.startswith(start)]
    lines = "\n".join((*HEAD, *sorted((*rows, line.text()))))
    README.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}", "utf-8")
