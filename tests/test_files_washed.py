"""Uploaded files in the sandbox: what is taken out of them, and what is refused before it can do harm."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import pikepdf
import pytest
from PIL import Image, ImageCms

from api.files import program, sandbox
from api.files.kinds import JPEG, MAX_PIXELS, MAX_SIDE, PDF, PNG, THUMBNAIL, WEBP, Unfit, Washed, sniff
from tests import files
from tests.files import SECRETS, jpeg, pdf, pdf_bytes, picture, png, save, webp


def washed(raw: bytes, **more: float) -> tuple[Washed, bytes, bytes]:
    """What the sandbox says of a file, and the file and the thumbnail that it wrote."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target, tempfile.TemporaryFile() as small:
        source.write(raw)
        found = sandbox.wash(source, target, small, **more)
        return found, _content(target), _content(small)


def refusal(raw: bytes, **more: float) -> Unfit:
    with pytest.raises(Unfit) as caught:
        washed(raw, **more)
    return caught.value


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def close(one: object, other: tuple[int, ...]) -> bool:
    assert isinstance(one, tuple)
    return all(abs(a - b) < 12 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("raw", "kind"),
    [(jpeg(), JPEG), (png(), PNG), (webp(), WEBP), (webp(lossless=False), WEBP), (pdf(), PDF)],
    ids=["jpeg", "png", "webp", "lossy webp", "pdf"],
)
def test_metadata_is_taken_out(raw: bytes, kind: str) -> None:
    plain = raw if kind != PDF else pdf_bytes(pikepdf.open(io.BytesIO(raw)), compress_streams=False)
    assert any(secret in plain for secret in SECRETS), "there is something to take out"
    found, out, _ = washed(raw)
    assert found.media_type == kind == sniff(out)
    if kind == PDF:
        paper = pikepdf.open(io.BytesIO(out))
        assert "/Metadata" not in paper.Root
        assert len(paper.docinfo.keys()) == 0
        out = pdf_bytes(paper, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    else:
        opened = Image.open(io.BytesIO(out))
        assert not opened.getexif()
        assert not {"comment", "xmp", "XML:com.adobe.xmp", "Comment", "icc_profile", "exif"} & set(opened.info)
    assert not any(secret in out for secret in SECRETS)


def test_a_picture_is_turned_as_its_camera_meant() -> None:
    found, out, small = washed(jpeg(60, 40, orientation=6))
    assert (found.width, found.height) == (40, 60)
    for raw in (out, small):
        turned = Image.open(io.BytesIO(raw))
        assert turned.size == (40, 60)
        # Orientation 6: what was above is on the right.
        assert close(turned.getpixel((35, 30)), (200, 30, 30))
        assert close(turned.getpixel((5, 30)), (20, 40, 200))


def test_a_jpeg_keeps_its_own_tables_and_a_png_its_pixels() -> None:
    raw = save(picture(), "JPEG", quality=63, subsampling="4:2:2")
    _, out, _ = washed(raw)
    before, after = Image.open(io.BytesIO(raw)), Image.open(io.BytesIO(out))
    assert before.quantization == after.quantization  # type: ignore[attr-defined]
    assert [layer[1:3] for layer in before.layer] == [layer[1:3] for layer in after.layer]  # type: ignore[attr-defined]
    for raw in (png(), png(mode="RGBA"), png(mode="L"), png(mode="P"), png(mode="1"), webp()):
        _, out, small = washed(raw)
        assert (
            Image.open(io.BytesIO(out)).convert("RGBA").tobytes()
            == Image.open(io.BytesIO(raw)).convert("RGBA").tobytes()
        )
        assert sniff(small) == JPEG


def test_sixteen_bits_of_grey_are_not_burnt_white() -> None:
    raw = save(Image.new("I;16", (8, 8), 0x8000), "PNG")
    _, out, _ = washed(raw)
    grey = Image.open(io.BytesIO(out)).convert("L").getpixel((4, 4))
    assert grey == 0x80


def test_colours_are_brought_to_srgb_and_the_profile_is_dropped() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    _, out, _ = washed(save(picture(), "JPEG", icc_profile=lab))
    assert "icc_profile" not in Image.open(io.BytesIO(out)).info
    _, out, _ = washed(save(picture(), "JPEG", icc_profile=b"no profile at all"))
    assert close(Image.open(io.BytesIO(out)).getpixel((5, 5)), (200, 30, 30))
    found, out, _ = washed(save(picture(mode="CMYK"), "JPEG"))
    assert Image.open(io.BytesIO(out)).mode == "RGB"
    assert found.media_type == JPEG


def test_a_thumbnail_is_small_and_white_where_there_is_nothing() -> None:
    _, _, small = washed(save(Image.new("RGBA", (900, 300), (0, 0, 0, 0)), "PNG"))
    opened = Image.open(io.BytesIO(small))
    assert (opened.size, opened.format) == ((THUMBNAIL, round(THUMBNAIL / 3)), "JPEG")
    assert opened.getpixel((9, 9)) == (255, 255, 255)
    assert washed(pdf())[2] == b""


@pytest.mark.parametrize(
    "start", [b"GIF89a", b"<svg xmlns=", b"BM", b"\0\0\0\x18ftypheic", b"PK\3\4", b"<html>", b" %PDF-"]
)
def test_other_kinds_are_refused(start: bytes) -> None:
    assert refusal(start + bytes(100)).kind == "media_type"


@pytest.mark.parametrize(
    "raw", [jpeg()[:200], png()[:60], webp()[:40], pdf()[:300], b"\xff\xd8\xff" + b"x" * 99, b"%PDF-1.7"]
)
def test_what_cannot_be_decoded_is_refused(raw: bytes) -> None:
    assert refusal(raw).kind == "malformed"


def test_a_picture_that_moves_is_refused() -> None:
    second = Image.new("RGB", (60, 40), "green")
    for kind in ("PNG", "WEBP"):
        raw = save(picture(), kind, save_all=True, append_images=[second])
        assert "moves" in refusal(raw).why


def test_huge_dimensions_are_refused_before_a_pixel_is_decoded() -> None:
    for width, height in (
        (65_535, 65_535),
        (MAX_SIDE + 1, 1),
        (MAX_PIXELS // 4_000 + 1, 4_000),
        (2**31 - 1, 2**31 - 1),
    ):
        assert refusal(files.png_header(width, height)).kind == "too_large"
    assert refusal(files.png_header(MAX_PIXELS // 5_000, 5_000)).kind == "malformed", "a size that is allowed is read"


def test_texts_that_unpack_to_much_are_refused() -> None:
    assert refusal(files.png_text_bomb()).kind == "malformed"


def test_a_paper_that_unpacks_to_more_than_memory_is_refused() -> None:
    assert refusal(files.pdf_bomb()).kind in {"malformed", "too_large"}


def test_what_crashes_or_loops_in_a_decoder_is_a_refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for body, kind, more in (
        ("import os; os.kill(os.getpid(), 11)", "malformed", {}),
        ("import time; time.sleep(60)", "too_large", {"timeout": 0.2}),
    ):
        crash = tmp_path / "crash"
        crash.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{body}'\n")
        crash.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(crash))
        assert refusal(jpeg(), **more).kind == kind
        monkeypatch.undo()


def test_the_program_has_little_memory_and_none_of_the_services_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, resource; from api.files import program; program._limit(); "
        "print(resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_CPU)[0])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(program.MEMORY), str(program.SECONDS)]
    seen: dict[str, str] = {}

    def run(*_: object, env: dict[str, str], **__: object) -> subprocess.CompletedProcess[bytes]:
        seen.update(env)
        return subprocess.CompletedProcess([], 1, b"", b"")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("PATINA_MASTER_KEY", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    refusal(jpeg())
    assert "PATH" in seen
    assert set(seen) <= {"PATH", "PYTHONPATH", "LANG", "LD_LIBRARY_PATH"}
    assert os.environ["PATINA_MASTER_KEY"] == "secret"


ACTION = pikepdf.Dictionary
NAME = pikepdf.Name


@pytest.mark.parametrize(
    "raw",
    [
        pdf(OpenAction=ACTION(S=NAME.JavaScript, JS=pikepdf.String("app.alert(1)"))),
        pdf(Names=ACTION(JavaScript=ACTION(Names=pikepdf.Array([])))),
        pdf(Names=ACTION(EmbeddedFiles=ACTION(Names=pikepdf.Array([])))),
        pdf(AA=ACTION(WC=ACTION(S=NAME.Named, N=NAME.Print))),
        pdf(OpenAction=ACTION(S=NAME.Launch, F=pikepdf.String("calc.exe"))),
        pdf(AcroForm=ACTION(XFA=pikepdf.String("x"))),
        pdf(AcroForm=ACTION(Fields=pikepdf.Array([ACTION(A=ACTION(S=NAME.SubmitForm, F=pikepdf.String("x")))]))),
        pdf(X=pikepdf.Array([pikepdf.Array([ACTION(Subtype=NAME.RichMedia)])])),
    ],
    ids=["script", "scripts", "files", "actions", "launch", "xfa", "submit", "film"],
)
def test_a_paper_that_does_something_is_refused(raw: bytes) -> None:
    found = refusal(raw)
    assert found.kind == "invalid"
    assert "active content" in found.why


def test_active_content_behind_escaped_names_and_in_packed_objects_is_found() -> None:
    raw = pdf(OpenAction=ACTION(S=NAME.JavaScript, JS=pikepdf.String("x")))
    paper = pikepdf.open(io.BytesIO(raw))
    packed = pdf_bytes(paper, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"JavaScript" not in packed
    assert "active" in refusal(packed).why
    plain = pdf_bytes(paper, object_stream_mode=pikepdf.ObjectStreamMode.disable, linearize=False)
    escaped = plain.replace(b"/JavaScript", b"/J#61v#61Script").replace(b"/JS ", b"/J#53 ")
    # The table of places is off by the longer names, so the paper is not even whole.
    assert refusal(escaped).kind in {"invalid", "malformed"}


def test_where_a_paper_opens_is_no_action() -> None:
    paper = pikepdf.new()
    paper.add_blank_page()
    paper.Root.OpenAction = pikepdf.Array([paper.pages[0].obj, NAME.Fit])
    _, out, _ = washed(pdf_bytes(paper))
    assert "/OpenAction" not in pikepdf.open(io.BytesIO(out)).Root


def test_an_encrypted_paper_is_refused() -> None:
    paper = pikepdf.open(io.BytesIO(pdf()))
    for user in ("", "secret"):
        raw = pdf_bytes(paper, encryption=pikepdf.Encryption(owner="owner", user=user))
        assert "encrypted" in refusal(raw).why


def test_a_polyglot_loses_its_other_half() -> None:
    script, archive = b"<script>alert(1)</script>", b"PK\x03\x04 evil.jar"
    for raw in (jpeg(), png(), webp(), pdf()):
        _, out, _ = washed(raw + script + archive)
        assert script not in out
        assert archive not in out
    # A GIFAR of the other order, and a paper inside a picture's comment.
    inside = save(picture(), "JPEG", comment=b"*/=alert(1)/*" + pdf())
    _, out, _ = washed(inside)
    assert b"alert(1)" not in out
    assert b"%PDF" not in out
