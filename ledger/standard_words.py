"""A standard in words, as customers read it, in English and in simplified and traditional Chinese (standards.md).

Every line is made of a figure and says what it rests on; nothing stands here that the document does not say. Texts that
the party wrote itself come first. A language without a text of its own falls back to the first that there is.

>>> from ledger.standard import adopt
>>> ours = adopt({"standard": "ours", "version": "1", "limits": [
...     {"clock": "first_response", "within": {"hours": 4}, "source": "house"}]})
>>> print(words(ours, "en"))
ours (1)
A person answers: within 4 hours (house rule)
>>> words(ours, "zh_Hant").splitlines()[1]
'由專人答覆：4 小時內（自訂規定）'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ledger.errors import Invalid
from ledger.standard import Standard, text_in
from ledger.standard_phrases import PHRASES
from ledger.standard_shape import HOUSE, LANGUAGES, unit_of

Figure = Mapping[str, Any]


def words(standard: Standard, language: str) -> str:
    """Return the standard as text, a line a promise; raises ``Invalid`` for a language that it is not written in."""
    if language not in LANGUAGES:
        raise Invalid(f"got the language {language[:20]!r}, want one of {', '.join(LANGUAGES)}")
    return "\n".join(_Writer(standard, language).lines())


class _Writer:
    """Writes one standard in one language."""

    def __init__(self, standard: Standard, language: str) -> None:
        self._standard = standard
        self._document = standard.document
        self._language = language
        self._column = LANGUAGES.index(language)

    def lines(self) -> Iterator[str]:
        """The name and version, the party's own text, and a line for each figure."""
        document = self._document
        ids = ", ".join(f"{name} ({version})" for name, version in self._standard.ids)
        name = text_in(document.get("name", {}), self._language)
        yield f"{name}{self._phrase('colon')}{ids}" if name else ids
        if "texts" in document:
            yield text_in(document["texts"], self._language)
        for member, write in _WRITERS.items():
            value = document.get(member, ())
            for one in value if isinstance(value, list | tuple) else (value,):
                yield from write(self, one)

    def _phrase(self, key: str, **blanks: object) -> str:
        return PHRASES[key][self._column].format(**blanks)

    def _word(self, word: str) -> str:
        """A word of the standard in the language; a word that a party made up stays as it is."""
        return self._phrase(word) if word in PHRASES else word.replace("_", " ")

    def _words(self, several: Any) -> str:
        return self._phrase("comma").join(self._word(str(one)) for one in several)

    def _span(self, span: Figure) -> str:
        unit, count = unit_of(span)
        return self._phrase(unit if count > 1 or self._language != "en" else f"one_{unit}", count=count)

    def _promise(self, said: str, what: str, source: str) -> str:
        rests = self._phrase("house") if source == HOUSE else self._standard.source(source, self._language)
        return self._phrase("line", said=said, what=what, source=rests)

    def limit(self, limit: Figure) -> Iterator[str]:
        """A limit of a clock, for whom, and how far it may be extended."""
        said = self._word(f"clock_{limit['clock']}")
        when = limit.get("when", {})
        chosen = [self._words(when[name]) for name in ("kinds", "issues", "modes", "categories") if name in when]
        chosen += [self._phrase("tier", tier=tier) for tier in when.get("tiers", ())]
        if chosen:
            said += self._phrase("for", which=self._phrase("comma").join(chosen))
        what = self._phrase("on_average" if limit.get("average") else "within", span=self._span(limit["within"]))
        if "at_most" in limit:
            what += self._phrase("at_most", span=self._span(limit["at_most"]))
        if "hard" in limit:
            hard = limit["hard"]
            what += self._phrase("hard", least=self._span(hard["from"]), most=self._span(hard["until"]))
        yield self._promise(said, what, limit["source"])

    def grade(self, grade: Figure) -> Iterator[str]:
        """A grade of the first response."""
        what = self._phrase("within", span=self._span(grade["within"])) if "within" in grade else self._phrase("beyond")
        yield self._promise(self._phrase("graded", grade=self._word(grade["grade"])), what, grade["source"])

    def outer(self, outer: Figure) -> Iterator[str]:
        """The limit after which the authority may be asked."""
        what = self._phrase("authority", span=self._span(outer["within"]))
        yield self._promise(self._phrase("unanswered"), what, outer["source"])

    def returns(self, rules: Figure) -> Iterator[str]:
        """Returning without a reason."""
        what = self._phrase("return_days", count=rules["no_reason_days"], start=self._phrase(rules["from"]))
        for name in ("channels", "not"):
            if rules.get(name):
                what += self._phrase(f"return_{name}", which=self._words(rules[name]))
        if rules.get("conditions"):
            what += self._phrase("return_conditions", which=self._phrase("comma").join(rules["conditions"]))
        if "refund_days" in rules:
            what += self._phrase("refund_days", count=rules["refund_days"])
        if "freight" in rules:
            what += self._phrase(f"freight_{rules['freight']}")
        yield self._promise(self._phrase("returns"), what, rules["source"])

    def warranty(self, rules: Figure) -> Iterator[str]:
        """The warranty, a line a figure; then what is different for some categories."""
        yield from self._warranty(rules, rules)
        for one in rules.get("categories", ()):
            yield from self._warranty(one, rules, self._phrase("for", which=self._words(one["categories"])))

    def _warranty(self, rules: Figure, general: Figure, which: str = "") -> Iterator[str]:
        sources = rules.get("sources", {})
        start = self._phrase(rules.get("from", general.get("from", "sold")))
        for figure, value in rules.items():
            if figure in {"source", "sources", "categories", "from"}:
                continue
            if isinstance(value, list | tuple):
                what = self._phrase(f"warranty_{figure}", which=self._phrase("comma").join(value))
            elif isinstance(value, str):
                what = self._phrase(f"{figure}_{value}")
            else:
                what = self._phrase(f"warranty_{figure}", count=value, start=start)
            yield self._promise(self._phrase("warranty") + which, what, sources.get(figure, rules["source"]))

    def care(self, care: Figure) -> Iterator[str]:
        """Advice on care."""
        said = self._phrase("care")
        if "material" in care:
            said += self._phrase("for", which=self._word(care["material"]))
        advice = text_in(care.get("advice", {}), self._language)
        what = self._phrase("every", action=self._word(care["action"]), span=self._span(care["every"]))
        yield self._promise(said, what + (self._phrase("comma") + advice if advice else ""), care["source"])

    def evidence(self, evidence: Figure) -> Iterator[str]:
        """What is taken down when the thing changes hands."""
        which = self._phrase("for", which=self._words(evidence["categories"])) if "categories" in evidence else ""
        what = self._words(evidence["wants"])
        for one in evidence.get("tolerance", ()):
            what += self._phrase("tolerance", material=self._word(one["material"]), grams=one["grams"])
        yield self._promise(self._phrase("evidence") + which, what, evidence["source"])

    def levels(self, levels: Figure) -> Iterator[str]:
        """Who is asked after whom."""
        yield self._promise(self._phrase("levels"), " → ".join(map(self._word, levels["names"])), levels["source"])

    def tier(self, tier: Figure) -> Iterator[str]:
        """A tier of customers."""
        yield self._promise(self._phrase("tier", tier=tier["tier"]), self._word(tier["name"]), tier["source"])

    def target(self, target: Figure) -> Iterator[str]:
        """A figure to reach."""
        yield self._promise(self._phrase("target"), self._reached(target), target["source"])

    def score(self, score: Figure) -> Iterator[str]:
        """A score and the weights it is made of."""
        parts = [self._phrase("weighed", what=self._reached(part), weight=part["weight"]) for part in score["parts"]]
        said = self._phrase("score", score=score["score"])
        yield self._promise(said, self._phrase("comma").join(parts), score["source"])

    def _reached(self, figure: Figure) -> str:
        what = self._word(figure["measure"])
        if "within" in figure:
            return what + self._phrase("reach_within", span=self._span(figure["within"]))
        if "at_least" in figure:
            key = "reach_of" if "of" in figure else "reach_percent"
            return what + self._phrase(key, least=figure["at_least"], of=figure.get("of"))
        return what

    def alarm(self, alarm: Figure) -> Iterator[str]:
        """What raises an alarm, or how soon one is answered."""
        what = self._word(alarm["measure"])
        if "over" in alarm:
            what += self._phrase("over", over=alarm["over"])
        if "per" in alarm:
            what += self._phrase("per", period=self._word(alarm["per"]))
        if "within" in alarm:
            what += self._phrase("reach_within", span=self._span(alarm["within"]))
        yield self._promise(self._phrase("alarm"), what, alarm["source"])

    def review(self, review: Figure) -> Iterator[str]:
        """How often the service is reviewed, and customers are asked."""
        what = self._phrase("reviewed", every=self._words(review["every"]))
        if "surveys_a_year" in review:
            what += self._phrase("surveys", count=review["surveys_a_year"])
        yield self._promise(self._phrase("review"), what, review["source"])

    def keeping(self, keeping: Figure) -> Iterator[str]:
        """How long private members of one class are kept."""
        what = self._phrase("kept", count=keeping["months"])
        if keeping.get("legal_months"):
            what += self._phrase("kept_by_law", count=keeping["legal_months"])
        said = self._phrase("keeping", which=self._word(keeping["class"]))
        yield self._promise(said, what, keeping["source"])


# In the order in which a customer asks: when, then what may I ask for, then the rest.
_WRITERS: Final[Mapping[str, Callable[[_Writer, Figure], Iterator[str]]]] = {
    "limits": _Writer.limit,
    "grades": _Writer.grade,
    "outer": _Writer.outer,
    "returns": _Writer.returns,
    "warranty": _Writer.warranty,
    "care": _Writer.care,
    "evidence": _Writer.evidence,
    "levels": _Writer.levels,
    "tiers": _Writer.tier,
    "targets": _Writer.target,
    "weights": _Writer.score,
    "alarms": _Writer.alarm,
    "review": _Writer.review,
    "retention": _Writer.keeping,
}
