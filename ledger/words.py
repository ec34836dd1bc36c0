"""The words by which a text is found, in any language.

A text is cut into runs of letters and digits, in one case and without differences of form (Unicode NFKC). Where a
script puts no space between words (Han, kana, Thai, Lao, Khmer, Burmese), each sign and each pair of neighbours is a
word: a search for two signs finds them side by side, and nobody has to know where a word ends.

>>> words_of(["Solitaire RING", "玫瑰金戒指"])
('solitaire', 'ring', '玫', '瑰', '金', '戒', '指', '玫瑰', '瑰金', '金戒', '戒指')
>>> words_asked("ring 戒指 金")
('ring', '戒指', '金')
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

LONGEST: Final = 64
"""Characters of a word that are kept and looked for: nobody types more of a serial number."""
# Ideographs and their extensions, kana, bopomofo; Thai and Lao, Burmese, Khmer.
_UNSPACED: Final = (
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
)
_RUNS: Final = re.compile(f"[{_UNSPACED}]+|[^\\W_{_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The words of texts, each once, in the order of their first appearance: what is put into an index."""
    found: dict[str, None] = {}
    for text in texts:
        for run in _runs(text):
            if _IS_UNSPACED.match(run):
                found |= dict.fromkeys(run)
                found |= dict.fromkeys(_pairs(run))
            else:
                found[run[:LONGEST]] = None
    return tuple(found)


def words_asked(text: str) -> tuple[str, ...]:
    """The words that a searched text wants, all of them; none if it holds neither letter nor digit."""
    found: dict[str, None] = {}
    for run in _runs(text):
        whole = len(run) == 1 or not _IS_UNSPACED.match(run)
        found |= dict.fromkeys([run[:LONGEST]] if whole else _pairs(run))
    return tuple(found)


def text_of(texts: Iterable[str]) -> str:
    """The words of texts as one text, spaces between: as an index takes them."""
    return " ".join(words_of(texts))


def _runs(text: str) -> Iterator[str]:
    for found in _RUNS.finditer(unicodedata.normalize("NFKC", text).casefold()):
        yield found[0]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]
