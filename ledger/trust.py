r'''Whom a reader believes about a checkpoint: trust policy files, C2SP tlog-policy (c2sp.org/tlog-policy).

>>> policy = parse_policy("""
... log ledger.example/main+310fc300+ATYIHWra3XZDs2RkTskWggyOhtoXhsNWjrfxX01WDEl2
... witness remora remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2
... quorum remora
... """)
>>> policy.is_met(["remora"]), policy.is_met([])
(True, False)

A policy names logs, witnesses and groups of them. A checkpoint is trusted if one of the logs signed it and the
quorum cosigned it. Names are opaque bytes: bytes that are not UTF-8 are kept as surrogate escapes.
'''

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.checkpoint import Checkpoint, check_checkpoint, parse_checkpoint_text
from ledger.cosignature import check_cosignatures
from ledger.errors import Disproved, Malformed, Unknown
from ledger.note import COSIGNATURE, ED25519, ML_DSA_44, Note, VKey, parse_decimal, parse_vkey

MAX_POLICY = 262_144
"""Bytes: 32 logs and 32 witnesses with ML-DSA keys take half of that."""

LOG_KINDS = (ED25519, ML_DSA_44)
WITNESS_KINDS = (COSIGNATURE, ML_DSA_44)
NONE = "none"
"""The predefined name of the quorum that wants nobody."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are accepted; the key's name is its origin."""

    vkey: VKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness under the name that it has in this policy."""

    name: str
    vkey: VKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses and earlier groups, of which `threshold` have to vouch for the group to do so."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy; `groups` stand in an order in which each names only those before it."""

    logs: tuple[Log, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def is_met(self, names: Iterable[str]) -> bool:
        """Whether cosignatures of the witnesses with these names are a quorum."""
        vouching = set(names)
        for group in self.groups:
            if len(vouching.intersection(group.members)) >= group.threshold:
                vouching.add(group.name)
        return self.quorum == NONE or self.quorum in vouching


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A quorum cosigned a checkpoint: `time` is the newest at which it had, `None` where none is wanted.

    `witnesses` are the policy's names of all that cosigned. No single witness can make `time` newer than what
    the rest of a quorum says.
    """

    time: int | None
    witnesses: tuple[str, ...]


def parse_policy(raw: bytes | str) -> Policy:
    """The policy that a file holds; raises `Malformed`, also for a key type that does not suit its line."""
    reading = _Reading()
    for number, line in enumerate(_lines(raw), start=1):
        words = [word for word in _SPACE.split(line) if word]
        if words and not words[0].startswith("#"):
            try:
                reading.read(words)
            except Malformed as error:
                raise Malformed(f"line {number} of the policy: {error.message}") from None
    if reading.quorum is None:
        raise Malformed("got a policy without a quorum line")
    return Policy(tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum)


def format_policy(policy: Policy) -> bytes:
    """The file of a policy, which `parse_policy` reads; raises `Malformed` where it would not."""
    lines: list[list[str | None]] = [["log", str(log.vkey), log.url] for log in policy.logs]
    lines += [["witness", witness.name, str(witness.vkey), witness.url] for witness in policy.witnesses]
    lines += [["group", group.name, str(group.threshold), *group.members] for group in policy.groups]
    lines += [["quorum", policy.quorum]]
    text = "".join(" ".join(word for word in line if word) + "\n" for line in lines)
    if parse_policy(text) != policy:
        raise Malformed("got a policy that would be read as another one")
    return text.encode("utf-8", "surrogateescape")


def check_policy(policy: Policy, note: Note) -> tuple[Checkpoint, Witnessed]:
    """The checkpoint of one of the policy's logs and its quorum; raises as the two checks do."""
    origin = parse_checkpoint_text(note.text).origin
    checkpoint = check_checkpoint(note, [log.vkey for log in policy.logs], origin)
    return checkpoint, check_quorum(policy, note)


def check_quorum(policy: Policy, note: Note) -> Witnessed:
    """The quorum that cosigned a note, whose log signature is checked elsewhere.

    Raises `Disproved` (check `quorum`) without one, (check `cosignature`) if a witness's cosignature does not
    verify, and `Unknown` if there is one only with cosignatures of a type that this version cannot verify.
    """
    newest: dict[str, int] = {}
    names = {witness.vkey: witness.name for witness in policy.witnesses}
    for cosignature in check_cosignatures(note, names):
        name = names[cosignature.vkey]
        newest[name] = max(newest.get(name, 0), cosignature.time)
    if policy.quorum == NONE:
        return Witnessed(None, tuple(newest))
    for time in sorted(set(newest.values()), reverse=True):
        if policy.is_met(name for name, at in newest.items() if at >= time):
            return Witnessed(time, tuple(newest))
    if policy.is_met([*newest, *_unverifiable(policy, note)]):
        raise Unknown("got a quorum only with cosignatures of a type that this version cannot verify")
    raise Disproved(f"got cosignatures by {len(newest)} witnesses, want a quorum {policy.quorum!r}", "quorum")


def _unverifiable(policy: Policy, note: Note) -> list[str]:
    """Names of the witnesses that have a line on the note which cannot be verified here."""
    lines = {(signature.name, signature.key_id) for signature in note.signatures}
    others = [witness for witness in policy.witnesses if witness.vkey.kind != COSIGNATURE]
    return [witness.name for witness in others if (witness.vkey.name, witness.vkey.key_id) in lines]


@dataclass(slots=True)
class _Reading:
    """A policy while its lines are read."""

    logs: list[Log] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    names: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)

    def read(self, words: list[str]) -> None:
        """Take in one line; raises `Malformed`."""
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                used = [log.vkey for log in self.logs]
                self.logs.append(Log(_vkey(vkey, LOG_KINDS, used), *url))
            case ["witness", name, vkey, *url] if len(url) < 2:
                self._define(name)
                used = [witness.vkey for witness in self.witnesses]
                self.witnesses.append(Witness(name, _vkey(vkey, WITNESS_KINDS, used), *url))
            case ["group", name, threshold, *members] if members:
                self._check_members(members)
                self._define(name)
                self.groups.append(Group(name, _threshold(threshold, len(members)), tuple(members)))
            case ["quorum", name]:
                if self.quorum is not None:
                    raise Malformed("got a second quorum line, want one")
                if name != NONE and name not in self.names:
                    raise Malformed(f"got the quorum {name[:100]!r}, want a name defined above")
                self.quorum = name
            case _:
                raise Malformed("got a line that is no log, witness, group or quorum with its words")

    def _define(self, name: str) -> None:
        """Take a name for a witness or a group; raises `Malformed`."""
        if name == NONE or name in self.names:
            raise Malformed(f"got the name {name[:100]!r}, want one that is not taken")
        self.names.add(name)

    def _check_members(self, members: list[str]) -> None:
        """Let names be members of one group; raises `Malformed`."""
        for member in members:
            if member not in self.names:
                raise Malformed(f"got the member {member[:100]!r}, want a name defined above")
            if member in self.grouped:
                raise Malformed(f"got the member {member[:100]!r} twice, want each name in one group")
            self.grouped.add(member)


def _threshold(word: str, members: int) -> int:
    """How many of a group's members are wanted; raises `Malformed`."""
    if word in ("any", "all"):
        return 1 if word == "any" else members
    threshold = parse_decimal(word)
    if not 1 <= threshold <= members:
        raise Malformed(f"got the threshold {threshold}, want 1 to {members}")
    return threshold


def _vkey(word: str, kinds: tuple[int, ...], used: list[VKey]) -> VKey:
    """A key that suits its line and stands on no other of its sort; raises `Malformed`."""
    try:
        vkey = parse_vkey(word)
    except Unknown as error:
        raise Malformed(error.message) from None
    if vkey.kind not in kinds:
        raise Malformed(f"got a key of type 0x{vkey.kind:02x}, want {' or '.join(f'0x{k:02x}' for k in kinds)}")
    if any(vkey.public == other.public for other in used):
        raise Malformed(f"got the public key of {vkey.name} twice, want each once")
    return vkey


def _lines(raw: bytes | str) -> list[str]:
    """The lines of a policy file, bounded before work; raises `Malformed`."""
    if len(raw) > MAX_POLICY:
        raise Malformed(f"got a policy of {len(raw)} bytes, want at most {MAX_POLICY}")
    try:
        encoded = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else raw
    except UnicodeEncodeError:
        raise Malformed("got a policy that no bytes decode to") from None
    text = encoded.decode("utf-8", "surrogateescape")
    if _FORBIDDEN.search(text):
        raise Malformed("got a policy with a control character")
    if not text.endswith("\n"):
        raise Malformed("got a policy whose last line does not end, want a newline")
    return text.split("\n")
