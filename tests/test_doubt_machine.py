"""Random lives of keys: service, history and audit say the same of every statement, and what plain recursion says.

Three parties add, rotate and revoke keys, compromise them, are suspended and reinstated, and speak, in batches of
statements that are committed at once. Each statement is accepted exactly where the reference lets it stand, and at the
end the service's table, the replay of every history and the audit of the whole log name the same doubtful entries.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from ledger import doubt, leaf, times
from ledger.bundle import parse_history
from ledger.db.draft import Accepted, Draft
from ledger.dsse import SigningKey, sign_statement
from ledger.history import Asked, check_history
from ledger.leaf import Signature
from ledger.note import parse_vkey
from tests.reference.authority import Authority
from tests.stall import Stall, key_of, stall, urn
from verifier.audit import Options, audit
from verifier.folder import open_folder

PARTIES = ("operator", "shop", "rival")
NAMES = ("operator", "shop", "rival", "a", "b", "c", "d", "e")
parties, names = st.sampled_from(PARTIES), st.sampled_from(NAMES)
others = st.sampled_from(["shop", "shop", "shop", "rival", "rival", "operator"])
reasons = st.sampled_from(["retired", "lost", "compromised", "compromised", "compromised"])
# Milliseconds from the beginning of the test, most of them within it; what is finer is cut.
sinces = st.one_of(st.none(), st.integers(-2, 40), st.integers(-2, 40), st.just(10**9))


class Keys(RuleBasedStateMachine):
    """A ledger in a folder of its own, what waits for the next commit, and the reference."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="keys-"))
        self._open = stall(f"sqlite:///{self.folder / 'ledger.sqlite3'}", self.folder)
        self.stall: Stall = self._open.__enter__()
        self.waiting: list[Draft] = []
        self.start = self.stall.clock.now
        for draft in [*self.stall.party("rival", "repairer")]:
            self.stall.accept(draft)
        self.stall.accept(self.stall.register("ring"))
        reader = self.stall.ledger.reader
        self.reference = Authority([reader.leaf(index) or b"" for index in range(reader.size())])

    def teardown(self) -> None:
        try:
            self.commit()
            self.agree()
        finally:
            self._open.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        """Some time after the founding, so that a compromise may have begun before the shop's first word."""
        self.stall.clock.now += 10 * times.SECOND // 1000
        self.start = self.stall.clock.now

    @rule(milliseconds=st.integers(1, 10))
    def passes(self, milliseconds: int) -> None:
        """Time goes on: only a commit makes it show."""
        self.commit()
        self.stall.clock.now += milliseconds * 1000

    @rule(party=st.sampled_from(["shop", "shop", "rival"]), data=st.data())
    def speaks(self, party: str, data: st.DataObject) -> None:
        self.say("maintenance.performed", party, urn("ring"), {"work": ["cleaned"]}, self.signers(party, data))

    @rule(party=others, data=st.data())
    def adds(self, party: str, data: st.DataObject) -> None:
        """Mostly as a party may: by its own keys, the new one last; sometimes by the operator, or not signed by it."""
        by, new = self.signers(party, data), data.draw(names)
        if self.seldom(data):
            party, by = "operator", self.signers("operator", data)
        if not self.seldom(data):
            by = [*[name for name in by if name != new], new]
        self.add(party, by, new, about=party if not self.seldom(data) else data.draw(parties))

    @rule(party=others, data=st.data())
    def installs(self, party: str, data: st.DataObject) -> None:
        """The operator gives a party a key, which it may only while the party has none."""
        new = data.draw(names)
        self.add("operator", [*self.signers("operator", data), new], new, about=party)

    @rule(party=parties, data=st.data())
    def rotates(self, party: str, data: st.DataObject) -> None:
        """As a party does it: add the next key and retire the present one in one commit; the next one speaks."""
        by, new = self.signers(party, data)[0], data.draw(names)
        if by != new:
            self.add(party, [by, new], new, about=party)
            details = {"key": self.key(by).did, "reason": "retired"}
            self.say("key.revoked", party, self.authority(party), details, [by])
            if party != "operator":
                self.say("maintenance.performed", party, urn("ring"), {"work": ["cleaned"]}, [new])

    @rule(party=others, data=st.data(), new=names, since=st.integers(-1, 2))
    def is_robbed(self, party: str, data: st.DataObject, new: str, since: int) -> None:
        """A thief adds a key of his own, speaks with it and with the stolen one, and is found out.

        The theft is said to have begun up to a millisecond before, at, or up to two after the thief's first word.
        """
        by = self.signers(party, data)[0]
        self.passes(milliseconds=1)
        at = self.stall.clock.now
        self.add(party, [by, new], new, about=party)
        for name in (by, new, new):
            if party != "operator":
                self.say("maintenance.performed", party, urn("ring"), {"work": ["cleaned"]}, [name])
            else:
                self.say("party.suspended", party, self.authority("rival"), {"reason": "fraud"}, [name])
            self.passes(milliseconds=1)
        details = {"key": self.key(by).did, "reason": "compromised", "since": times.format_recorded(at + since * 1000)}
        self.say("key.revoked", "operator", self.authority(party), details, self.signers("operator", data))

    @rule(about=others, data=st.data(), reason=reasons, since=sinces)
    def revokes(self, about: str, data: st.DataObject, reason: str, since: int | None) -> None:
        """The operator or the party, mostly of a key that the party has or had."""
        party = data.draw(st.sampled_from(["operator", about]))
        had = [name for name in NAMES if self.reference.party_of(self.key(name).did) == self.party(about)]
        name = data.draw(names if self.seldom(data) or not had else st.sampled_from(had))
        details = {"key": self.key(name).did, "reason": reason}
        if since is not None:
            at = times.format_recorded(self.start + since * 1000)
            details["since"] = at[:-1] + "7Z" if since % 2 else at
        self.say("key.revoked", party, self.authority(about), details, self.signers(party, data))

    @rule(about=parties, data=st.data(), kind=st.sampled_from(["party.suspended", "party.reinstated"]))
    def suspends(self, about: str, data: st.DataObject, kind: str) -> None:
        party = data.draw(parties) if self.seldom(data) else "operator"
        self.say(kind, party, self.authority(about), {"reason": "fraud"}, self.signers(party, data))

    # What the rules stand on.

    def key(self, name: str) -> SigningKey:
        if name != "operator":
            return key_of(name)
        # Its first key, also after its revocation.
        return self._operator

    @property
    def _operator(self) -> SigningKey:
        if not hasattr(self, "_kept"):
            kept = self.stall.ledger.access.party_signer(self.stall.ledger.operator)
            assert kept is not None
            self._kept = kept
        return self._kept

    def seldom(self, data: st.DataObject) -> bool:
        return data.draw(st.integers(0, 7)) == 7

    def signers(self, party: str, data: st.DataObject) -> list[str]:
        """One or two keys: mostly keys of the party that are in force, as far as is committed."""
        there = [name for name in NAMES if self.reference.in_force(self.key(name).did, self.party(party))]
        chosen = names if self.seldom(data) or not there else st.sampled_from(there)
        return data.draw(st.lists(chosen, min_size=1, max_size=min(2, len(there) or 1), unique=True))

    def add(self, party: str, by: list[str], new: str, *, about: str) -> None:
        self.say("key.added", party, self.authority(about), {"key": self.key(new).did, "custody": "self"}, by)

    def party(self, name: str) -> str:
        return self.stall.ledger.operator if name == "operator" else urn(name)

    def authority(self, name: str) -> str:
        return self.party(name) + "#authority"

    def say(self, kind: str, party: str, subject: str, details: dict[str, Any], by: list[str]) -> None:
        """Let a statement wait for the next commit, signed by these keys, whosever they are."""
        self.stall.count += 1
        statement = leaf.Statement(
            id=urn(f"said {self.stall.count}"),
            type=kind,
            subjects=(subject,),
            party=self.party(party),
            occurred_at=times.format_recorded(self.stall.clock.now),
            details=details,
            ledger=self.stall.ledger.id,
        )
        body = leaf.statement_bytes(statement)
        signatures = tuple(Signature(**sign_statement(body, self.key(name))) for name in by)
        self.waiting.append(Draft(statement, body, signatures, verified=True))

    def commit(self) -> None:
        """Commit what waits, as one batch; the reference judges each by what stood before it."""
        recorded_at = times.format_recorded(self.stall.clock.now)
        for draft, outcome in zip(self.waiting, self.stall.append(*self.waiting), strict=True):
            statement = json.loads(draft.body)
            may = self.reference.may(statement, [one.key for one in draft.signatures], recorded_at)
            may = may and not self.is_slip(statement["type"], statement["details"])
            assert isinstance(outcome, Accepted) == may, (statement, outcome)
            if isinstance(outcome, Accepted):
                self.reference.add(outcome.entry)
        self.waiting = []

    def is_slip(self, kind: str, details: dict[str, Any]) -> bool:
        """What the service refuses beyond the rules (``ledger.db.safeguards``)."""
        last = self.reference.keys(self.party("operator")) == [details.get("key")]
        late = details.get("since", "") > times.format_recorded(self.stall.clock.now + 5 * times.MINUTE)
        return kind == "key.revoked" and (last or late)

    def agree(self) -> None:
        """Service, histories and audit against the reference."""
        ledger, want = self.stall.ledger, self.reference.doubtful()
        table = ledger.reader.parties()
        for name in PARTIES:
            assert table.parties[self.party(name)].keys == self.reference.keys(self.party(name))
        found = doubt.doubts(table)
        every = [
            leaf.parse_leaf(json.dumps(one, separators=(",", ":"), sort_keys=True).encode()) for one in self.entries
        ]
        assert list(doubt.doubtful([one for one in every if isinstance(one, leaf.Entry)], found)) == want
        vkeys = tuple(parse_vkey(vkey) for vkey in ledger.vkeys)
        for subject in (urn("ring"), *map(self.authority, PARTIES), table.ledger_subject):
            raw = ledger.reader.history(subject)
            assert raw is not None
            shown = check_history(parse_history(raw[1]), Asked(subject, vkeys, self.stall.clock.now))
            about = [one["index"] for one in self.entries if subject in one["statement"]["subjects"]]
            assert shown.doubtful == tuple(index for index in want if index in about)
            assert all(found[one.key] == one for one in shown.doubts.values())
        source = open_folder(self.folder)
        verdict = audit(source, Options(vkeys))
        source.close()
        assert verdict.outcome == "proven", verdict.text()
        assert verdict.facts.get("doubtful", []) == want

    @property
    def entries(self) -> list[dict[str, Any]]:
        return self.reference.entries


TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=40, stateful_step_count=30)
