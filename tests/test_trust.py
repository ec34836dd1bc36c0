"""Trust policies: each rule of tlog-policy, and quorums against a plain count."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.cosignature import cosign
from ledger.errors import Disproved, Malformed, Unknown
from ledger.note import ML_DSA_44, Note, NoteSignature, Signer, format_note, make_vkey, parse_note, sign_note
from ledger.trust import (
    MAX_POLICY,
    Group,
    Policy,
    Witness,
    Witnessed,
    check_policy,
    check_quorum,
    format_policy,
    parse_policy,
)
from tests.vectors import vector

ORIGIN = "log.example/main"
TEXT = f"{ORIGIN}\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
TIME = 1_700_000_000


def signer(name: str, kind: int = 4, seed: str = "") -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(sha256((seed or name).encode()).digest())
    return Signer(make_vkey(name, private.public_key().public_bytes_raw(), kind), private.sign)


LOG = signer(ORIGIN, 1)
NAMES = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
KEYS = {name: signer(f"{name}.example") for name in NAMES}
LATER = make_vkey("later.example", bytes(1312), ML_DSA_44)
FILE = f"""# whom this shop believes
log {LOG.vkey} https://log.example/

witness X1 {KEYS["X1"].vkey}
witness X2 {KEYS["X2"].vkey}\thttps://x2.example/
 \twitness X3   {KEYS["X3"].vkey} \t
group X-witnesses 2 X1 X2 X3
  # the other organisation
witness Y1 {KEYS["Y1"].vkey}
witness Y2 {KEYS["Y2"].vkey}
witness Y3 {KEYS["Y3"].vkey}
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def note_by(times: dict[str, int]) -> Note:
    signed = parse_note(sign_note(TEXT, [LOG]))
    return Note(TEXT, signed.signatures + tuple(cosign(TEXT, KEYS[name], at) for name, at in times.items()))


def test_the_example_of_the_specification() -> None:
    text = vector("c2sp-spec-examples/examples.json")["tlog_policy_example"]
    for key in [LOG, *KEYS.values()]:
        text = text.replace("<vkey>", str(key.vkey), 1)
    policy = parse_policy(text)
    assert [witness.name for witness in policy.witnesses] == NAMES
    assert (len(policy.groups), policy.quorum) == (3, "X-and-Y")


def test_a_policy_is_read_with_its_comments_and_spacing() -> None:
    policy = parse_policy(FILE)
    assert [log.vkey for log in policy.logs] == [LOG.vkey]
    assert policy.logs[0].url == "https://log.example/"
    assert policy.witnesses[1] == Witness("X2", KEYS["X2"].vkey, "https://x2.example/")
    assert policy.groups[0] == Group("X-witnesses", 2, ("X1", "X2", "X3"))
    assert [group.threshold for group in policy.groups] == [2, 1, 2]
    assert parse_policy(format_policy(policy)) == policy


def test_names_are_opaque_bytes() -> None:
    key = str(KEYS["X1"].vkey).encode()
    raw = b"witness \xff\x85 " + key + b"\nquorum \xff\x85\n"
    assert format_policy(parse_policy(raw)) == raw
    kelvin = "witness K {}\nquorum \u212a\n".format(KEYS["X1"].vkey)
    with pytest.raises(Malformed):
        parse_policy(kelvin)
    with pytest.raises(Malformed, match="no bytes"):
        parse_policy("# \ud800\nquorum none\n")


@given(st.binary(max_size=60) | st.text(alphabet="logquorumnwites 1\t\n#", max_size=60).map(str.encode))
@example(b"group a any a\nquorum a\n")
def test_parsing_raises_only_malformed(raw: bytes) -> None:
    try:
        policy = parse_policy(raw)
    except Malformed:
        return
    assert parse_policy(format_policy(policy)) == policy


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(TIME, TIME + 3)))
def test_the_quorum_is_counted_as_the_specification_says(times: dict[str, int]) -> None:
    def enough(names: list[str]) -> bool:
        return sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)

    note, policy = note_by(times), parse_policy(FILE)
    if not enough(list(times)):
        with pytest.raises(Disproved) as caught:
            check_quorum(policy, note)
        assert caught.value.check == "quorum"
        return
    newest = max(at for at in times.values() if enough([name for name in times if times[name] >= at]))
    assert check_quorum(policy, note) == Witnessed(newest, tuple(times))
    checkpoint, witnessed = check_policy(policy, parse_note(format_note(note)))
    assert (checkpoint.origin, checkpoint.size, witnessed.time) == (ORIGIN, 7, newest)


def test_one_witness_alone_cannot_make_the_time_newer() -> None:
    times = {"X1": TIME, "X2": TIME + 5, "Y1": TIME + 10**9}
    assert check_quorum(parse_policy(FILE), note_by(times)).time == TIME


def test_a_witness_that_cosigned_twice_counts_with_its_newest_time() -> None:
    policy = parse_policy(f"witness X1 {KEYS['X1'].vkey}\nquorum X1\n")
    lines = tuple(cosign(TEXT, KEYS["X1"], at) for at in (TIME, TIME + 9, TIME + 3))
    assert check_quorum(policy, Note(TEXT, lines)) == Witnessed(TIME + 9, ("X1",))


def test_no_quorum_wants_nobody_but_still_checks_who_cosigned() -> None:
    policy = parse_policy(FILE.replace("quorum X-and-Y", "quorum none"))
    assert check_quorum(policy, note_by({})) == Witnessed(None, ())
    assert check_quorum(policy, note_by({"Y1": TIME})) == Witnessed(None, ("Y1",))
    wrong = NoteSignature("Y1.example", KEYS["Y1"].vkey.key_id, bytes(72))
    with pytest.raises(Disproved):
        check_quorum(policy, Note(TEXT, (wrong,)))


def test_a_quorum_that_only_a_newer_type_makes_is_left_open() -> None:
    policy = parse_policy(f"witness X1 {KEYS['X1'].vkey}\nwitness L {LATER}\ngroup both all X1 L\nquorum both\n")
    later = NoteSignature(LATER.name, LATER.key_id, bytes(2428))
    one = cosign(TEXT, KEYS["X1"], TIME)
    with pytest.raises(Unknown):
        check_quorum(policy, Note(TEXT, (one, later)))
    for lines in ((one,), (later,), (one, NoteSignature(LATER.name, bytes(4), bytes(2428)))):
        with pytest.raises(Disproved):
            check_quorum(policy, Note(TEXT, lines))


def test_a_log_that_the_policy_does_not_name_is_disproved() -> None:
    stranger = signer(ORIGIN, 1, seed="stranger")
    policy = parse_policy(f"log {stranger.vkey}\nquorum none\n")
    with pytest.raises(Disproved, match="without a signature"):
        check_policy(policy, note_by({}))


def test_a_trusted_log_without_its_quorum_is_disproved() -> None:
    with pytest.raises(Disproved) as caught:
        check_policy(parse_policy(FILE), note_by({}))
    assert caught.value.check == "quorum"


def test_a_policy_as_long_as_allowed_is_read_and_nobody_is_enough_for_none() -> None:
    policy = parse_policy("#" * (MAX_POLICY - 13) + "\nquorum none\n")
    assert policy.is_met([])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("quorum X-and-Y\n", "", id="no quorum"),
        pytest.param("quorum X-and-Y\n", "quorum X-and-Y\nquorum X-and-Y\n", id="two quorums"),
        pytest.param("quorum X-and-Y\n", "quorum nobody\n", id="a quorum of a name that is not defined"),
        pytest.param("quorum X-and-Y\n", "quorum X-and-Y X1\n", id="a quorum of two names"),
        pytest.param("quorum X-and-Y\n", "quorum X-and-Y", id="no newline at the end"),
        pytest.param("quorum X-and-Y\n", "quorum X-and-Y # why\n", id="a comment behind a line"),
        pytest.param("any Y1", "0 Y1", id="a threshold of 0"),
        pytest.param("any Y1", "4 Y1", id="a threshold above the number of members"),
        pytest.param("any Y1", "01 Y1", id="a threshold with a leading zero"),
        pytest.param("any Y1", "some Y1", id="a threshold that is no number"),
        pytest.param("any Y1 Y2 Y3", "any", id="a group without members"),
        pytest.param("any Y1", "any Y4 Y1", id="a member that is not defined"),
        pytest.param("any Y1", "any none Y1", id="nobody as a member"),
        pytest.param("any Y1", "any Y1 Y1", id="a member twice"),
        pytest.param("any Y1", "any X1 Y1", id="a member of two groups"),
        pytest.param("group Y-witnesses any", "group X1 any", id="a group named as a witness"),
        pytest.param("group Y-witnesses any Y1", "group Y-witnesses any Y-witnesses Y1", id="a group in itself"),
        pytest.param("witness Y2", "witness Y1", id="two witnesses of one name"),
        pytest.param("witness Y2", "witness none", id="a witness named none"),
        pytest.param("witness Y2", "witnes Y2", id="another word"),
        pytest.param(str(KEYS["Y2"].vkey), str(KEYS["Y1"].vkey), id="two witnesses of one key"),
        pytest.param(
            str(KEYS["Y2"].vkey), str(signer("z", seed="Y1.example").vkey), id="two witnesses of one public key"
        ),
        pytest.param(str(KEYS["Y2"].vkey), str(signer("y2", 1).vkey), id="a witness with a log's key type"),
        pytest.param(str(LOG.vkey), str(signer(ORIGIN, 4).vkey), id="a log with a witness's key type"),
        pytest.param("https://log.example/", "https://log.example/ x", id="two words for a URL"),
        pytest.param("https://x2.example/", "https://x2.example/ x", id="two words for a witness's URL"),
        pytest.param("\n\nwitness X1", f"\nlog {LOG.vkey}\nwitness X1", id="a log twice"),
        pytest.param("# whom", "# \x0bwhom", id="a vertical tab"),
        pytest.param("# whom", "# \x7fwhom", id="delete"),
        pytest.param("shop believes\n", "shop believes\r\n", id="a carriage return"),
        pytest.param("# whom", "#" * (MAX_POLICY - len(FILE) + 7), id="too long"),
        pytest.param(str(LOG.vkey), "log.example+00000000+Ag==", id="a key of an unknown type"),
        pytest.param(str(LOG.vkey), str(LOG.vkey).replace("+", "+0", 1), id="a broken key"),
    ],
)
def test_policies_that_are_refused(old: str, new: str) -> None:
    assert FILE.count(old) >= 1
    parse_policy(FILE)
    with pytest.raises(Malformed):
        parse_policy(FILE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([f"witness none {KEYS['X1'].vkey}", "quorum none"], "not taken"),
        ([f"witness A {KEYS['X1'].vkey}", f"witness A {KEYS['X2'].vkey}", "quorum A"], "not taken"),
        ([f"witness A {KEYS['X1'].vkey}", "group A any A", "quorum A"], "not taken"),
        ([f"witness A {KEYS['X1'].vkey}", "group G any A", "group H any A", "quorum H"], "in one group"),
        ([f"witness A {KEYS['X1'].vkey}", "group G any none A", "quorum G"], "defined above"),
        ([f"witness A {KEYS['X1'].vkey}", "group G any G A", "quorum G"], "defined above"),
        (["quorum later", f"witness later {KEYS['X1'].vkey}"], "defined above"),
        ([f"witness A {KEYS['X1'].vkey}", "group G 2 A", "quorum G"], "want 1 to 1"),
        ([f"witness A {KEYS['X1'].vkey}", "group G 0 A", "quorum G"], "want 1 to 1"),
    ],
)
def test_names_and_groups_are_refused_for_their_own_reason(lines: list[str], message: str) -> None:
    with pytest.raises(Malformed, match=message):
        parse_policy("\n".join(lines) + "\n")


def test_a_refusal_names_its_line() -> None:
    with pytest.raises(Malformed, match="line 2 of the policy"):
        parse_policy("quorum none\nquorum none\n")


@pytest.mark.parametrize(
    "policy",
    [
        Policy((), (), (), "nobody"),
        Policy((), (Witness("a b", KEYS["X1"].vkey),), (), "none"),
        Policy((), (Witness("a", KEYS["X1"].vkey, "u v"),), (), "none"),
        Policy((), (Witness("a", KEYS["X1"].vkey, ""),), (), "none"),
    ],
)
def test_what_would_not_be_read_is_not_written(policy: Policy) -> None:
    with pytest.raises(Malformed):
        format_policy(policy)
