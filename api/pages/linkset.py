"""The links of an item as GS1's resolvers give them: a set (RFC 9264) for programs that follow the code on a thing.

A set names what the reader of its address may open, and nothing more: by a view code also the history bundle, the
papers of certificates and the page on which a holder acts; by a public address or a fallen code what anybody may see.
Relations are terms of GS1's web vocabulary, written as their addresses, as the schema for such sets demands; it takes
a language alone or with a region, so Chinese is named by where it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from api.pages.catalogue import Catalogue
from api.pages.item_page import ItemPage

LINKSET: Final = "application/linkset+json"
NAMES: Final = frozenset({"linkset", "all"})
"""What ``?linkType=`` asks for a set by; the second is the older word."""
CONTEXT: Final = (
    "<https://ref.gs1.org/standards/resolver/linkset-context>; "
    'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
)
"""The ``Link`` of a set: what makes JSON-LD of it."""
_VOCABULARY: Final = "https://ref.gs1.org/voc/"
_LANGUAGES: Final = ("en", "zh-CN", "zh-TW")
_HTML: Final = "text/html"
_JSON: Final = "application/json"
Link = dict[str, Any]


def link_to(address: str) -> str:
    """The ``Link`` of a page: where the set of its address is."""
    return f'<{address}?linkType=linkset>; rel="linkset"; type="{LINKSET}"'


def describe_links(page: ItemPage, words: Catalogue, public_url: str, path: str, *, opened: bool) -> dict[str, Any]:
    """The set of an item that is shown at ``path``: of its history if a view code ``opened`` it."""
    address = public_url + path
    title = words.text["kicker" if opened else "kicker_public"]
    shown = _page(address, title)
    traced = [shown, _file(address, f"{title} (JSON)", _JSON)]
    links: dict[str, list[Link]] = {"defaultLink": [{"href": address, "title": title}], "traceability": traced}
    if page.certificates:
        certified = _page(f"{address}#certificates", words.text["heading_certificates"])
        links["certificationInfo"] = [certified, *(_papers(page, words, address) if opened else ())]
    if page.state.recalled:
        links["recallStatus"] = [_page(address, words.text["banner_recalled"])]
    if opened:
        traced.append(_file(f"{address}/history", words.text["self_download"], _JSON))
        links["serviceInfo"] = [_page(f"{address}#story", words.text["heading_story"])]
        links["registerProduct"] = [_page(f"{public_url}/o#{path[1]}={path[3:]}", words.text["owner_link"])]
    named = {_VOCABULARY + name: found for name, found in links.items()}
    return {"linkset": [{"anchor": address, "itemDescription": _described(page), **named}]}


def _described(page: ItemPage) -> str:
    return f"{page.name} ({page.lead})" if page.lead else page.name


def _papers(page: ItemPage, words: Catalogue, address: str) -> Iterator[Link]:
    for one in page.certificates:
        if one.statement:
            title = f"{one.title}{words.text['colon']}{one.number}"
            yield _file(f"{address}/papers/{quote(one.statement, safe='')}", title, "application/pdf")


def _page(address: str, title: str) -> Link:
    return {"href": address, "title": title, "hreflang": list(_LANGUAGES), "type": _HTML}


def _file(address: str, title: str, kind: str) -> Link:
    return {"href": address, "title": title, "type": kind}
