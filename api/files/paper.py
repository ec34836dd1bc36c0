"""A PDF written anew by qpdf: refused if it does anything, and without what its author did not mean to say.

Refused: what is encrypted; scripts, launches, embedded files, forms of XFA, sounds, films and 3D, actions by
themselves; more pages than a paper has. Taken out: the document's own information, XMP of document, pages and pictures,
private data of the programs that made it, thumbnails of pages, where it opens, what nothing refers to. Not taken out:
what stands in the pages themselves, visible or not (hidden text, older layers), and metadata inside pictures' own
compressed bytes (a photograph's EXIF in a DCT stream). Photographs are sent as pictures.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import pikepdf

from api.files.kinds import PDF, Unfit, Washed

MAX_PAGES = 500
MAX_OBJECTS = 200_000
_ACTIVE_KEYS = frozenset(
    "/JavaScript /JS /AA /XFA /EmbeddedFiles /EmbeddedFile /EF /AF /RichMediaContent /Collection".split()
)
_ACTIVE_VALUES = frozenset(
    "/JavaScript /Launch /SubmitForm /ImportData /GoToR /GoToE /Rendition /Movie /Sound /RichMedia /3D /Screen "
    "/EmbeddedFile /FileAttachment /RichMediaExecute /GoTo3DView".split()
)
_VALUE_KEYS = ("/S", "/Type", "/Subtype")
_STRIPPED_KEYS = ("/Metadata", "/PieceInfo", "/Thumb", "/LastModified", "/SpiderInfo", "/OpenAction")


def wash_paper(source: BinaryIO, target: BinaryIO) -> Washed:
    """Write the paper; raises ``Unfit``."""
    try:
        with pikepdf.open(source, suppress_warnings=True, attempt_recovery=False) as paper:
            if paper.is_encrypted:
                raise Unfit("invalid", "got an encrypted PDF, want one that opens without a password")
            _check(paper)
            _strip(paper)
            paper.save(
                target,
                static_id=True,
                stream_decode_level=pikepdf.StreamDecodeLevel.none,
                compress_streams=True,
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
            )
            if paper.get_warnings():
                # What qpdf cannot read, or has no memory for, it takes for nothing: part of the paper would be lost.
                raise Unfit("malformed", "got a PDF that is not well formed")
    except Unfit:
        raise
    except pikepdf.PasswordError:
        raise Unfit("invalid", "got an encrypted PDF, want one that opens without a password") from None
    except Exception:  # noqa: BLE001 -- a parser raises whatever it stumbles over
        raise Unfit("malformed", "got bytes that begin as PDF and are not one") from None
    return Washed(PDF)


def _check(paper: pikepdf.Pdf) -> None:
    if len(paper.objects) > MAX_OBJECTS or len(paper.pages) > MAX_PAGES:
        raise Unfit("too_large", f"got a PDF of more than {MAX_PAGES} pages or {MAX_OBJECTS} objects")
    for one in _dictionaries(paper):
        active = _ACTIVE_KEYS.intersection(one.keys())
        active |= {str(one[key]) for key in _VALUE_KEYS if key in one and _is_name(one[key])} & _ACTIVE_VALUES
        if active:
            found = ", ".join(sorted(active))
            raise Unfit("invalid", f"got a PDF with active content ({found}), want one that only shows")


def _strip(paper: pikepdf.Pdf) -> None:
    for one in _dictionaries(paper):
        for key in _STRIPPED_KEYS:
            if key in one:
                del one[key]
    if "/Info" in paper.trailer:
        del paper.trailer["/Info"]


def _dictionaries(paper: pikepdf.Pdf) -> list[Any]:
    """Every dictionary of the paper, those inside others too, once."""
    found = []
    waiting: list[Any] = [paper.trailer, *paper.objects]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, pikepdf.Object):
            continue
        if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            found.append(one)
            # What is referred to by number is in the list already.
            waiting += [value for value in _values(one) if _is_direct(value)]
        elif isinstance(one, pikepdf.Array):
            waiting += [value for value in one.as_list() if _is_direct(value)]
        if len(found) > 5 * MAX_OBJECTS:
            raise Unfit("too_large", f"got a PDF of more than {MAX_OBJECTS} objects")
    return found


def _values(one: Any) -> list[Any]:
    return [one[key] for key in one.keys()]  # noqa: SIM118 -- iterating a pikepdf dictionary gives other things


def _is_direct(value: Any) -> bool:
    return isinstance(value, pikepdf.Object) and not value.is_indirect


def _is_name(value: Any) -> bool:
    return isinstance(value, pikepdf.Name)
