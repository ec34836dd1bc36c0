"""A picture written anew from its pixels: nothing of the old file but what was seen stays.

So position, camera, comments, embedded thumbnails, and whatever stands behind the picture (a polyglot's other half)
are gone, whichever way they were hidden. A JPEG that holds nothing else already (``api.files.plain``) stays as it is.
The orientation that a camera notes is applied, colours are brought to sRGB, and a JPEG keeps its own quantisation
tables, which loses next to nothing. A picture's size is read from its header and judged before a pixel is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from PIL import Image, ImageChops, ImageCms, ImageOps, JpegImagePlugin

from api.files.kinds import JPEG, MAX_PIXELS, MAX_SIDE, PNG, THUMBNAIL, WEBP, Unfit, Washed
from api.files.plain import altered, has_codes_of, is_as_short, is_plain

_FORMATS = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP"}
_QUALITY = 90
"""Of a WebP that was lossy: its own quality is not written in it."""
_THUMBNAIL_QUALITY = 78


def wash_picture(media_type: str, source: IO[bytes], target: IO[bytes], thumbnail: IO[bytes]) -> Washed:
    """Write the picture and a thumbnail (JPEG) of it; raises ``Unfit``."""
    try:
        with Image.open(source, formats=(_FORMATS[media_type],)) as picture:
            _check_size(*picture.size)
            if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
                raise Unfit("invalid", "got a picture that moves, want a still one")
            options = _options(picture, media_type, source)
            picture.load()
            washed = _plain(picture)
    except Unfit:
        raise
    except Image.DecompressionBombError:
        raise Unfit("too_large", f"got a picture of more than {MAX_PIXELS} pixels") from None
    except Exception:  # noqa: BLE001 -- a decoder raises whatever it stumbles over
        raise Unfit("malformed", f"got bytes that begin as {media_type} and cannot be decoded as that") from None
    if media_type == JPEG and (raw := _plain_file(source, picture, options)) is not None:
        target.write(raw)
    else:
        washed.save(target, _FORMATS[media_type], **options)
    _save_thumbnail(washed, thumbnail)
    return Washed(media_type, *washed.size)


def _plain_file(source: IO[bytes], picture: Image.Image, options: Mapping[str, Any]) -> bytes | None:
    """The file itself, if it holds nothing but this picture, which ``options`` encode as it was."""
    source.seek(0)
    raw = source.read()
    if not is_plain(raw):
        return None
    with Image.open(io.BytesIO(altered(raw)), formats=("JPEG",)) as other:
        if not ImageChops.difference(picture, other).getbbox():
            return None
    anew = _encoded(picture, options)
    if not has_codes_of(raw, anew):
        try:
            anew = _encoded(picture, {**options, "optimize": True})
        except OSError:
            # More noise than the encoder has room for.
            return None
    return raw if is_as_short(raw, anew) else None


def _encoded(picture: Image.Image, options: Mapping[str, Any]) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", **options)
    return written.getvalue()


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Unfit(
            "too_large",
            f"got a picture of {width} x {height} pixels, want at most {MAX_PIXELS:,} and {MAX_SIDE:,} a side",
        )


def _options(picture: Any, media_type: str, source: IO[bytes]) -> dict[str, Any]:
    """How the picture is saved so that it looks as before; read before its pixels are."""
    if media_type == JPEG:
        tables = picture.quantization
        # Tables of CMYK are of other colours.
        if picture.mode not in {"L", "RGB"} or not tables:
            return {"quality": 95}
        sampling = JpegImagePlugin.get_sampling(picture)
        return {"qtables": tables, "subsampling": sampling if sampling >= 0 else "4:2:0"}
    if media_type == WEBP:
        place = source.tell()
        source.seek(0)
        lossless = b"VP8L" in source.read(64)
        source.seek(place)
        return {"lossless": lossless, "quality": _QUALITY}
    return {"compress_level": 6}


def _plain(picture: Image.Image) -> Image.Image:
    """The pixels, turned as they are meant to be seen, in sRGB, with nothing beside them."""
    profile = picture.info.get("icc_profile")
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I"):
        # 16 bits of grey: converted as they are, everything above 255 would be white.
        turned = turned.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    alpha = "A" in turned.getbands() or "transparency" in turned.info
    mode = "RGBA" if alpha else "L" if turned.mode in {"1", "L"} else "RGB"
    if profile is not None and turned.mode in {"RGB", "CMYK"}:
        # Where the profile is none, the numbers are taken as sRGB.
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            turned = _srgb(turned, profile)
    plain = turned.convert(mode)
    plain.info = {}
    return plain


def _srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    converted = ImageCms.profileToProfile(
        picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    if converted is None:
        raise AssertionError("only a conversion in place gives nothing")
    return converted


def _save_thumbnail(picture: Image.Image, target: IO[bytes]) -> None:
    small = picture.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    if small.mode == "RGBA":
        ground = Image.new("RGB", small.size, "white")
        ground.paste(small, mask=small.getchannel("A"))
        small = ground
    small.save(target, "JPEG", quality=_THUMBNAIL_QUALITY)
