"""A report as charts: one SVG of bars with every value written beside its bar, so that nothing is told by colour alone.

Three rows of bars go along the trend (cases, limits kept, cases resolved), one is of the customers' rating; where the
report has groups one is of those with the most cases, and each improvement stands before and after. The picture has a
title and a description for readers that do not see it, follows the reader's light or dark scheme, needs no script, and
is as deterministic as the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

from ledger.report_measures import RATED
from ledger.reports.dates import written
from ledger.reports.rows import keyed
from ledger.reports.words import WORDS

WIDTH: Final = 400
"""Units of the picture's width, about as many as a telephone has pixels; it is shown up to half as wide again."""
MOST: Final = 24
"""Bars of one chart; of more, the last steps of a trend, or the groups with the most cases."""
_BAR: Final = 34
_EDGE: Final = 10
_ROOM: Final = WIDTH - 2 * _EDGE
_LABEL: Final = 34
"""Characters of a label that fit beside its value."""
_STYLE: Final = (
    "svg{font:13px system-ui,sans-serif;background:#fff}text{fill:#1b1f24}.m{fill:#59636e}"
    ".t{font-weight:600;font-size:15px}.e{text-anchor:end}.b{fill:#1f6f54}.r{fill:#e4e8ec}"
    "@media(prefers-color-scheme:dark){svg{background:#14181d}text{fill:#e8ecf0}.m{fill:#a3adb8}.b{fill:#58b893}"
    ".r{fill:#2b323a}}"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its label, how much of the whole width it has (``value`` of ``most``), and what is written beside it."""

    label: str
    value: int
    most: int
    text: str


def write_svg(report: Mapping[str, Any], language: str = "en") -> bytes:
    """The charts of a report as one SVG document."""
    words = WORDS[language]
    as_of = written(report["as_of"], words)
    title = words["title"].format(period=written(report["asked"]["period"], words))
    desc = words["desc"].format(
        origin=report["origin"], size=report["size"], as_of=as_of, cases=report["figures"]["cases"]
    )
    parts, y = [], 78
    for name, bars, left in _charts(report, words):
        parts.append(_text(name, y, "t"))
        for bar in bars:
            parts.append(_bar(bar, y + 8))
            y += _BAR
        if not bars:
            y += _BAR // 2 + 4
            parts.append(_text(words["nothing"], y, "m"))
        if left:
            y += _BAR // 2
            parts.append(_text(words["more"].format(count=left), y, "m"))
        y += 44
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y - 20}" width="100%" '
        f'style="max-width:{3 * WIDTH // 2}px" role="img" aria-labelledby="title desc" lang="{language}">'
        f'<title id="title">{escape(title)}</title><desc id="desc">{escape(desc)}</desc><style>{_STYLE}</style>'
    )
    lines = _text(title, 24, "t") + _text(report["origin"], 41, "m") + _text(as_of, 56, "m")
    return (head + lines + "".join(parts) + "</svg>\n").encode()


def _text(text: str, y: int, style: str) -> str:
    return f'<text class="{style}" x="{_EDGE}" y="{y}">{escape(text)}</text>'


def _charts(report: Mapping[str, Any], words: Mapping[str, str]) -> Iterable[tuple[str, Sequence[Bar], int]]:
    trend = [(written(step, words), figures) for step, figures in keyed(report, "trend")]
    left = max(0, len(trend) - MOST)
    trend = trend[left:]
    most = max([figures["cases"] for _, figures in trend], default=1)
    step = words[report["asked"]["trend"]]
    yield words["trend"].format(step=step), [_count(label, figures["cases"], most) for label, figures in trend], left
    for name in ("limits", "resolution"):
        yield words[name], [_share(label, figures[name], words) for label, figures in trend], left
    yield words["satisfaction"], [_stars(label, figures, words) for label, figures in trend], left
    if report["groups"]:
        groups = sorted(keyed(report, "groups"), key=lambda one: (-one[1]["cases"], one[0]))
        most = groups[0][1]["cases"]
        by = " / ".join(words[name] for name in report["asked"]["by"])
        bars = [_count(label, figures["cases"], most) for label, figures in groups[:MOST]]
        yield words["groups"].format(by=by), bars, max(0, len(groups) - MOST)
    improved = report["improvements"]
    if improved:
        bars = [_improved(one, name, words) for one in improved[: MOST // 2] for name in ("before", "after")]
        yield words["improvements"], bars, max(0, len(improved) - MOST // 2)


def _count(label: str, count: int, most: int) -> Bar:
    return Bar(label, count, max(1, most), f"{count:,}")


def _share(label: str, share: Mapping[str, int], words: Mapping[str, str]) -> Bar:
    count, of = share["count"], share["of"]
    if not of:
        return Bar(label, 0, 1, words["nothing"])
    return Bar(label, count, of, f"{_tenths(1000 * count, of)} % ({count:,} / {of:,})")


def _stars(label: str, figures: Mapping[str, Any], words: Mapping[str, str]) -> Bar:
    rated = figures["satisfaction"]["customers"]["overall"]
    return _mean(label, rated["sum"], rated["count"], words)


def _mean(label: str, stars: int, count: int, words: Mapping[str, str]) -> Bar:
    if not count:
        return Bar(label, 0, 1, words["nothing"])
    return Bar(label, stars, 5 * count, f"{_tenths(10 * stars, count)} ({count:,})")


def _improved(one: Mapping[str, Any], name: str, words: Mapping[str, str]) -> Bar:
    """The measure of an improvement before it was planned, or after; what is not measured by a figure has none."""
    said = words["planned" if name == "after" and one["done"] is None else name]
    target = f" ({words['target'].format(target=one['target'])})" if name == "after" and one["target"] else ""
    label, found = f"{said}{target}: {one['finding']}", one[name] or {"count": 0, "of": 0}
    if one["measure"] in RATED:
        return _mean(label, found["count"], found["of"], words)
    return _share(label, found, words)


def _tenths(value: int, of: int) -> str:
    """A number that is given in tenths of a count, halves up."""
    tenths = (2 * value + of) // (2 * of)
    return f"{tenths // 10}.{tenths % 10}"


def _bar(bar: Bar, y: int) -> str:
    label = bar.label if len(bar.label) <= _LABEL else bar.label[: _LABEL - 1] + "…"
    length = _ROOM * bar.value // bar.most
    return (
        f"<g><title>{escape(f'{bar.label}: {bar.text}')}</title>{_text(label, y + 14, 'l')}"
        f'<text class="e" x="{WIDTH - _EDGE}" y="{y + 14}">{escape(bar.text)}</text>'
        f'<rect class="r" x="{_EDGE}" y="{y + 19}" width="{_ROOM}" height="8" rx="2"/>'
        f'<rect class="b" x="{_EDGE}" y="{y + 19}" width="{length}" height="8" rx="2"/></g>'
    )
