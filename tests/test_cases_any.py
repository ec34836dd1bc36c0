"""Any history of a case that the rules accept: its states and courses agree, corrections move nothing, audits pass.

A state machine says whatever comes to its mind about two items; what the rules refuse changes nothing. What they
accepted is then written again as a whole ledger, with hashes and signatures, and audited; a refused statement that is
written all the same is found by the audit.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger import cases, progress, steps, times
from ledger import party as parties
from ledger import state as states
from ledger.errors import Forbidden, Refused
from ledger.leaf import Entry
from ledger.party import Parties
from ledger.rule import follow
from ledger.state import NOT_SHOWN, State
from tests.build import Build
from tests.listed import audited
from tests.rules import OPENED, WORK, named
from tests.world import RING, World, uuid

OTHER = uuid("other ring")
ITEMS = (RING, OTHER)
PARTIES = ("shop", "shop", "workshop", "rival")
CASES = tuple(uuid(f"case {number}") for number in range(2))
EVIDENCE: dict[str, Any] = {"evidence": {"weight_g": "3.62"}}
BEHALF = {"on_behalf": True, "basis": "call"}
QUOTE = "A" * 43
SAID: dict[str, list[dict[str, Any]]] = {
    "case.opened": [OPENED],
    "case.responded": [{}],
    "case.assigned": [{"to": "b07"}],
    "case.received": [EVIDENCE],
    "case.forwarded": [{"to": "outside", **EVIDENCE}, {"to": uuid("workshop"), **EVIDENCE}],
    "case.returned": [EVIDENCE],
    "case.handed_over": [{"check": "id", **EVIDENCE}],
    "case.diagnosed": [{"findings": "worn", "responsible": "none", "in_warranty": False}],
    "case.quoted": [{"free": True}, {"free": False, "quote": QUOTE}, {"free": True, "expires": "2026-11-02"}],
    "case.approved": [{"free": True, **BEHALF}, {"free": False, "quote": QUOTE, **BEHALF}],
    "case.declined": [{"free": True, **BEHALF}],
    "case.waiting": [{"for": "parts"}, {"for": "customer"}],
    "case.resumed": [{"for": "parts"}],
    "repair.started": [WORK],
    "repair.completed": [WORK],
    "maintenance.performed": [{"work": ["clean"]}],
    "case.closed": [{"outcome": "resolved"}],
    "case.reopened": [{"outcome": "unresolved"}],
    "return.completed": [{"reason": "regret", "condition": "whole"}],
    "exchange.completed": [{"reason": "fault"}],
    "item.sold": [{"channel": "store"}],
}
HELD: dict[str, dict[str, Any]] = {
    "case.opened": OPENED,
    "case.approved": {"free": True},
    "case.accepted": {"checks": []},
    "case.evaluated": {"overall": 4},
    "case.escalated": {"to": "b09"},
}
STANDARD = ("case.received", "case.diagnosed", "repair.completed", "case.handed_over")


class Telling(RuleBasedStateMachine):
    """Accepted entries are in ``world``, with how they were said in ``told``."""

    @initialize()
    def start(self) -> None:
        self.world = World()
        self.world.register("workshop", "repairer")
        self.told: list[tuple[Entry, list[str]]] = []
        self.grants: dict[str, tuple[str, str]] = {}
        for subject in ITEMS:
            self.say("item.registered", "shop", [subject], {"name": "Ring", "category": "jewellery"})
        sold = self.say("item.sold", "shop", [RING], named("paper", channel="store"))
        assert sold is not None
        self.grants[RING] = ("paper", self.world.hash_of(sold))
        self.say("case.opened", "shop", [RING], OPENED, case=CASES[0])

    def say(self, kind: str, who: str, subjects: list[str], details: dict[str, Any], **more: Any) -> Entry | None:
        """The entry if it was accepted; one that was refused has changed nothing."""
        world = self.world
        before = [None if one not in world.states else states.dump(world.states[one]) for one in subjects]
        try:
            entry = world.say(kind, who, subjects, details, **more)
        except Refused as error:
            why = error
        else:
            self.told.append((entry, [who]))
            return entry
        assert before == [None if one not in world.states else states.dump(world.states[one]) for one in subjects]
        assert type(why) is Forbidden or why.may_follow or not kind.startswith("case."), (kind, why)
        return None

    @rule(data=st.data(), kind=st.sampled_from(sorted(SAID)), who=st.sampled_from(PARTIES), case=st.sampled_from(CASES))
    def party_says(self, data: st.DataObject, kind: str, who: str, case: str) -> None:
        subject = data.draw(st.sampled_from([RING, RING, RING, OTHER]))
        details = data.draw(st.sampled_from(SAID[kind]))
        subjects = [subject]
        if kind == "exchange.completed":
            subjects.append(OTHER if subject == RING else RING)
            details = {**details, "replacement": subjects[1]}
        more = {} if kind.startswith("item.") else {"case": case}
        self.say(kind, who, subjects, details, **more)

    @rule(kind=st.sampled_from(sorted(HELD)), case=st.sampled_from(CASES))
    def holder_says(self, kind: str, case: str) -> None:
        who, grant = self.grants[RING]
        self.say(kind, who, [RING], HELD[kind], case=case, grant=grant, party=RING)

    @rule(hours=st.sampled_from([1, 30]))
    def time_passes(self, hours: int) -> None:
        self.world.later(hours)

    @precondition(lambda self: len(self.told) > 3)
    @rule(data=st.data(), kind=st.sampled_from(["corrected", "retracted", "disputed"]))
    def said_of_a_statement(self, data: st.DataObject, kind: str) -> None:
        entry, (who,) = data.draw(st.sampled_from(self.told))
        statement = entry.statement
        before = self._unmoved()
        more: dict[str, Any] = {} if statement.grant is None else {"grant": statement.grant, "party": statement.party}
        details: dict[str, Any] = {"reason": "not_so" if kind == "disputed" else "error"}
        if kind == "disputed":
            details["disputes"] = statement.id
        else:
            more["corrects"] = statement.id
        if kind == "corrected":
            kept = {name: value for name, value in statement.details.items() if not name.startswith("holder_")}
            details["details"] = kept
        subjects = list(statement.subjects if kind != "disputed" else statement.subjects[:1])
        self.say(f"statement.{kind}", who, subjects, details, **more)
        assert self._unmoved() == before

    def _unmoved(self) -> list[object]:
        """Keys, roles, holders, retirement, and what the hard rules rest on."""
        of_items = [
            (one.held, one.retired, one.custody, one.cases, one.whole)
            for one in (states.load(states.dump(self.world.states[subject])) for subject in ITEMS)
        ]
        return [parties.dump(self.world.parties), of_items]

    @invariant()
    def the_fold_of_the_entries_is_the_state(self) -> None:
        for subject in ITEMS:
            state: State | None = None
            for entry, leaf_hash in self._of(subject):
                before = [state if one == subject else NOT_SHOWN for one in entry.statement.subjects]
                after = follow(entry, leaf_hash, Parties(complete=False), before)
                state = after[entry.statement.subjects.index(subject)]
            assert state == self.world.states[subject]

    @invariant()
    def courses_and_states_agree(self) -> None:
        for subject in ITEMS:
            state = self.world.states[subject]
            found = cases.cases_of(self._of(subject))
            assert [course.case for course in found] == list(state.cases)
            for course in found:
                case = state.cases[course.case]
                assert (course.closed, course.ended) == (case.closed, case.ended)
                assert course.custody == state.custody
                assert (course.evaluation is not None) == case.evaluated
                newest = {quote.name: quote.decision is not None for quote in course.quotes}
                assert newest == {name: quote.decided for name, quote in case.quotes.items()}
                asked = progress.next_steps(course, state, STANDARD)
                assert set(asked.allowed) == set(steps.may_follow(state, case))
                missing = [one.step for one in progress.deviations(course, STANDARD) if one.what == "missing"]
                done = progress.completeness(course, STANDARD)[0]
                assert len(missing) <= len(STANDARD) - done
                assert not course.closed or len(missing) == len(STANDARD) - done

    def _of(self, subject: str) -> list[tuple[Entry, str]]:
        found = [entry for entry, _ in self.told if subject in entry.statement.subjects]
        return [(entry, self.world.hash_of(entry)) for entry in found]

    def teardown(self) -> None:
        if hasattr(self, "told"):
            audit_again(self.told, self.world.now)


def audit_again(told: list[tuple[Entry, list[str]]], now: int) -> None:
    """Write accepted entries as a whole ledger and audit it, then with one more that the rules refuse."""
    made = Build()
    for name, roles in {"shop": "retailer repairer", "rival": "retailer", "workshop": "repairer"}.items():
        made.register(name, *roles.split())
    indexes: dict[str, int] = {}
    grant = ""
    for entry, keys in told:
        statement = entry.statement
        made.now = times.parse_recorded(entry.recorded_at)
        more: dict[str, Any] = {"case": statement.case} if statement.case else {}
        if statement.grant is not None:
            more["grant"] = grant
        if statement.corrects is not None:
            more["corrects"] = uuid(f"ledger statement {indexes[statement.corrects]}")
        details = dict(statement.details)
        if "disputes" in details:
            details["disputes"] = uuid(f"ledger statement {indexes[details['disputes']]}")
        index = made.say(statement.type, statement.party, list(statement.subjects), details, keys=keys, **more)
        indexes[statement.id] = index
        if "holder_key" in details:
            grant = made.hashes[index].hex()
    made.seal()
    assert audited(made).outcome == "proven"
    made.now = now
    made.say("repair.completed", "shop", RING, WORK, case=uuid("a case that nobody opened"))
    made.seal()
    assert audited(made).outcome == "disproved"


Telling.TestCase.settings = settings(max_examples=25, stateful_step_count=50)
test_any_history_that_is_accepted = Telling.TestCase
