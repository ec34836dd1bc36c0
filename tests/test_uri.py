"""Subjects: one spelling each, every other refused; GS1 check digits and Digital Links."""

from __future__ import annotations

import contextlib
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Invalid, Malformed
from ledger.uri import (
    MAX_LINK,
    authority_of,
    check_digit,
    format_gtin,
    from_digital_link,
    gs1_subject,
    is_subject,
    party_of,
    subject_kind,
)
from tests.vectors import vector

# GS1 General Specifications, figure 7.11-1 (the 82 characters of AI element strings).
CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
ITEM = "https://id.gs1.org/01/09520123456788/21/"
ASSET = "https://id.gs1.org/8004/"
UUID = "urn:uuid:120a2e06-367e-7c4c-84f5-a0974d40644c"

serials = st.text(CSET_82, min_size=1, max_size=20).filter(lambda text: text not in {".", ".."})
giais = st.text(CSET_82, min_size=1, max_size=30).filter(lambda text: text not in {".", ".."})
gtins = st.sampled_from([7, 11, 12, 13]).flatmap(
    lambda size: st.text(string.digits, min_size=size, max_size=size).map(lambda body: body + check_digit(body))
)


def test_the_set_has_82_characters() -> None:
    assert len(set(CSET_82)) == 82


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        (ITEM + "R%2F001", "gs1"),
        (ITEM + "a" * 20, "gs1"),
        (ITEM + "%25" * 20, "gs1"),
        (ITEM + "...", "gs1"),
        (ITEM + ".a", "gs1"),
        (ITEM + "..a", "gs1"),
        (ASSET + "a" * 30, "gs1"),
        (ASSET + "%3F" * 30, "gs1"),
        (UUID, "uuid"),
        ("urn:uuid:00000000-0000-0000-0000-000000000000", "uuid"),
        (UUID + "#authority", "authority"),
    ],
)
def test_subjects(uri: str, kind: str) -> None:
    assert subject_kind(uri) == kind
    assert is_subject(uri)


@pytest.mark.parametrize("head", [ITEM, ASSET])
@pytest.mark.parametrize("number", range(128))
def test_each_character_has_one_spelling(head: str, number: int) -> None:
    character = chr(number)
    bare = character in string.ascii_letters + string.digits + "-._"
    assert is_subject(f"{head}a{character}") == bare
    assert is_subject(f"{head}a%{number:02X}") == (character in CSET_82 and not bare)
    lower = f"{head}a%{number:02x}"
    assert is_subject(lower) == (character in CSET_82 and not bare and f"{number:02x}".isdigit())


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://id.gs1.org/",
        ITEM,
        ITEM + ".",
        ITEM + "..",
        ASSET,
        ASSET + ".",
        ASSET + "..",
        ITEM + "a" * 21,
        ITEM + "%25" * 21,
        ASSET + "a" * 31,
        ITEM + "a\n",
        ITEM + "a/",
        ITEM + "a/b",
        ITEM + "a?x=1",
        ITEM + "a#authority",
        ITEM + "%",
        ITEM + "%2",
        ITEM + "%2f",
        ITEM + "%41",
        ITEM + "%2E",
        ITEM + "%C3%A9",
        ITEM + "é",
        ITEM + "\u0661",
        ITEM + "a(1)",
        ITEM.replace("6788", "6789") + "a",  # wrong check digit
        ITEM.replace("0952", "952") + "a",  # not padded
        ITEM.replace("0952", "00952") + "a",
        ITEM.replace("0952", "\u0660952") + "a",
        ITEM.replace("/21/", "/10/") + "a",
        ITEM.replace("https", "http") + "a",
        ITEM.replace("https", "HTTPS") + "a",
        ITEM.replace("id.gs1.org", "ID.gs1.org") + "a",
        ITEM.replace("id.gs1.org", "id-gs1.org") + "a",
        ITEM.replace("id.gs1.org", "id.gs1.org:443") + "a",
        ITEM.removesuffix("/21/"),
        " " + ITEM + "a",
        UUID.upper(),
        UUID.replace("urn:uuid:", "URN:UUID:"),
        UUID.replace("7c4c", "7C4C"),
        UUID.removeprefix("urn:uuid:"),
        UUID.replace("-", ""),
        UUID + "\n",
        UUID + "#",
        UUID + "#Authority",
        UUID + "#authority#authority",
        UUID.replace("120a", "\u066120a"),
        "urn:uuid:{" + UUID.removeprefix("urn:uuid:") + "}",
    ],
)
def test_other_spellings_are_refused(uri: str) -> None:
    with pytest.raises(Invalid):
        subject_kind(uri)
    assert not is_subject(uri)


def test_aliases_of_the_wrong_ledgers() -> None:
    cases = [case["name"] for case in vector("patina-format/wrong.json")["cases"]]
    aliases = [name.removeprefix("alias ") for name in cases if name.startswith("alias ")]
    assert len(aliases) >= 9
    assert not any(map(is_subject, aliases))


def test_subjects_of_the_vector_ledger() -> None:
    for history in vector("patina-format/ledger.json")["histories"]:
        assert subject_kind(history["subject"]) in {"gs1", "uuid"}
        for part in history["histories"]:
            assert is_subject(part["subject"])


@given(st.text(max_size=60) | st.text("%2F1A./", max_size=24).map(ITEM.__add__))
def test_a_subject_raises_only_invalid(text: str) -> None:
    with contextlib.suppress(Invalid):
        subject_kind(text)
    with contextlib.suppress(Malformed):
        from_digital_link(text)


def test_authorities() -> None:
    assert authority_of(UUID) == UUID + "#authority"
    assert party_of(UUID + "#authority") == UUID


@pytest.mark.parametrize("party", ["", ITEM + "a", UUID + "#authority", UUID + "\n", UUID.upper()])
def test_only_a_uuid_has_an_authority(party: str) -> None:
    with pytest.raises(Invalid):
        authority_of(party)
    with pytest.raises(Invalid):
        party_of(party + "#authority")


@pytest.mark.parametrize("authority", ["", UUID, "#authority"])
def test_only_an_authority_has_a_party(authority: str) -> None:
    with pytest.raises(Invalid):
        party_of(authority)


def test_check_digits_of_gs1() -> None:
    cases = vector("gs1-digital-link/check-digits.json")["numeric_check_digit"]
    for text in cases["pass"]:
        assert check_digit(text[:-1]) == text[-1]
    for case in cases["fail"]:
        text = case["input"]
        try:
            right = check_digit(text[:-1]) == text[-1:]
        except Invalid:
            right = False
        assert not right


@pytest.mark.parametrize("body", ["", "1_0", "\u0661", "-1", " 1", "1\n", "a"])
def test_what_has_no_check_digit(body: str) -> None:
    with pytest.raises(Invalid, match="digits"):
        check_digit(body)


@given(st.text(string.digits, min_size=1, max_size=17))
def test_check_digit_by_its_definition(body: str) -> None:
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    assert (weighted + int(check_digit(body))) % 10 == 0


@given(gtins)
def test_gtins_are_padded(gtin: str) -> None:
    assert format_gtin(gtin) == "0" * (14 - len(gtin)) + gtin
    assert is_subject(gs1_subject("01", gtin, "1"))
    wrong = gtin[:-1] + str((int(gtin[-1]) + 1) % 10)
    with pytest.raises(Invalid, match="check digit"):
        format_gtin(wrong)
    assert not is_subject(f"https://id.gs1.org/01/{wrong.zfill(14)}/21/1")


@pytest.mark.parametrize("digits", ["", "0", "0000000", "000000000", "0" * 15, "\u0660" * 14, "0000000_", "00000000 "])
def test_other_lengths_are_no_gtin(digits: str) -> None:
    with pytest.raises(Invalid, match="8, 12, 13 or 14 digits"):
        format_gtin(digits)


@given(gtins, serials)
def test_an_item_and_its_link(gtin: str, serial: str) -> None:
    subject = gs1_subject("01", gtin, serial)
    # The characters that `quote` leaves bare are those of format.md §2 and "~", which is not in the set.
    assert subject == f"https://id.gs1.org/01/{gtin.zfill(14)}/21/{quote(serial, safe='')}"
    assert subject_kind(subject) == "gs1"
    assert from_digital_link(subject) == subject
    encoded = "".join(f"%{ord(character):02x}" for character in serial)
    assert from_digital_link(f"http://shop.example:8080/a/b/01/{gtin}/21/{encoded}/?17=271231&x=%#f/1") == subject


@given(giais)
def test_an_asset_and_its_link(giai: str) -> None:
    subject = gs1_subject("8004", giai)
    assert subject == "https://id.gs1.org/8004/" + quote(giai, safe="")
    assert subject_kind(subject) == "gs1"
    assert from_digital_link(subject) == subject
    # What a path may hold bare is read as well.
    bare = quote(giai, safe="!&'()*+,:;=")
    assert from_digital_link(f"HTTP://x/8004/{bare}?") == subject


@pytest.mark.parametrize(
    ("ai", "key", "serial"),
    [
        ("01", "09520123456788", ""),
        ("01", "09520123456788", "."),
        ("01", "09520123456788", ".."),
        ("01", "09520123456788", "a" * 21),
        ("01", "09520123456788", "a b"),
        ("01", "09520123456788", "a#"),
        ("01", "09520123456788", "a~"),
        ("01", "09520123456788", "a\n"),
        ("01", "09520123456788", "é"),
        ("01", "09520123456788", "\u0661"),
        ("01", "09520123456789", "a"),
        ("01", "9520123456", "a"),
        ("01", "09520123456788", None),
        ("8004", "", None),
        ("8004", "..", None),
        ("8004", "a" * 31, None),
        ("8004", "a", "b"),
        ("414", "9520123456788", None),
        ("00", "095201234567888888", "1"),
    ],
)
def test_what_is_no_item(ai: Any, key: str, serial: str | None) -> None:
    with pytest.raises(Invalid):
        gs1_subject(ai, key, serial)


@pytest.mark.parametrize(
    "url",
    [
        "https://id.gs1.org/01/9520123456788/21/R%2F1",
        "https://shop.example/01/09520123456788/21/R%2f1",
        "HTTPS://SHOP.EXAMPLE/01/09520123456788/21/R%2F1",
        "http://[2001:db8::1]:80/01/09520123456788/21/R%2F1",
        "https://shop.example/8004/01/09520123456788/21/R%2F1",
        "https://shop.example/i/01/09520123456788/22/2A/10/LOT/21/R%2F1",
        "https://shop.example/01/09520123456788/22/2A/21/%52%2F1/",
        "https://shop.example/01/09520123456788/10/LOT/21/R%2F1?",
        "https://shop.example/01/09520123456788/21/R%2F1?21=other&linkType=all",
        "https://shop.example/01/09520123456788/21/R%2F1#a/b?c",
    ],
)
def test_links_of_one_item(url: str) -> None:
    assert from_digital_link(url) == "https://id.gs1.org/01/09520123456788/21/R%2F1"


def test_the_last_key_of_a_path_counts() -> None:
    assert from_digital_link("https://shop.example/01/09520123456788/21/8004/ABC") == ASSET + "ABC"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "id.gs1.org/01/09520123456788/21/a",
        "ftp://id.gs1.org/01/09520123456788/21/a",
        "Https://id.gs1.org/01/09520123456788/21/a",
        "https:///01/09520123456788/21/a",
        "https://user@id.gs1.org/01/09520123456788/21/a",
        "https://id.gs1.org/01/09520123456788",
        "https://id.gs1.org/01/09520123456788/10/LOT",
        "https://id.gs1.org/01/09520123456788/21",
        "https://id.gs1.org/01/09520123456788/21/",
        "https://id.gs1.org/01/09520123456788/21/a//",
        "https://id.gs1.org/01/09520123456788/21/a/foo",
        "https://id.gs1.org/01/09520123456788/21/a/10/LOT",
        "https://id.gs1.org/01/09520123456788/10/LOT/22/2A/21/a",
        "https://id.gs1.org/01/09520123456788/235/x/21/a",
        "https://id.gs1.org/21/a/01/09520123456788",
        "https://id.gs1.org/gtin/09520123456788/ser/a",
        "https://id.gs1.org/01/09520123456789/21/a",
        "https://id.gs1.org/01/952012345678/21/a",
        "https://id.gs1.org/01/0952012345678%38%38/21/a",
        "https://id.gs1.org/01/09520123456788/21/..",
        "https://id.gs1.org/01/09520123456788/21/%2E%2E",
        "https://id.gs1.org/01/09520123456788/21/a%20b",
        "https://id.gs1.org/01/09520123456788/21/a b",
        "https://id.gs1.org/01/09520123456788/21/a\n",
        "https://id.gs1.org/01/09520123456788/21/a%2",
        "https://id.gs1.org/01/09520123456788/21/a%",
        "https://id.gs1.org/01/09520123456788/21/%C3%A9",
        "https://id.gs1.org/01/09520123456788/21/é",
        "https://id.gs1.org/01/09520123456788/21/\udc80",
        "https://id.gs1.org/01/09520123456788/21/" + "a" * 21,
        "https://id.gs1.org/8004/" + "a" * 31,
        "https://id.gs1.org/8004/a/7040/1ABC",
        "https://id.gs1.org/414/9520123456788",
    ],
)
def test_what_is_no_link_of_an_item(url: str) -> None:
    with pytest.raises(Malformed):
        from_digital_link(url)


def test_a_link_is_bounded_before_work() -> None:
    link = ITEM + "a?"
    assert from_digital_link(link + "x" * (MAX_LINK - len(link))) == ITEM + "a"
    with pytest.raises(Malformed):
        from_digital_link(link + "x" * (MAX_LINK - len(link) + 1))
