"""Rows of the table that a bench prints, and curves of what it plots."""
from dataclasses import asdict, dataclass, field


@dataclass
class Row:
    """What was measured, as the table says it; `figures` has every round, for whoever reckons on."""

    what: str
    target: str
    measured: str
    holds: bool
    figures: dict = field(default_factory=dict)  # units stand in the names


@dataclass
class Curve:
    """A plot of cost against growth: {label: [(x, y), ...]}, a point for each size."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: dict


def as_document(rows, curves):
    return {"rows": [asdict(row) for row in rows], "curves": [asdict(curve) for curve in curves]}


def as_table(rows):
    """In Markdown, as it stands in the README."""
    lines = ["| what | target | measured | holds |", "| --- | --- | --- | --- |"]
    for row in rows:
        holds = "yes" if row.holds else "**no**"
        lines.append(f"| {row.what} | {row.target} | {row.measured} | {holds} |")
    return "\n".join(lines)
