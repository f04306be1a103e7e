"""Encoded images and masks of every format and mode, and ways to alter their bytes."""

import io
import random
import struct
import zlib

import numpy as np
from PIL import Image

SIDE = 40
_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def picture(seed: int) -> Image.Image:
    """Something between a photograph and noise."""
    generator = np.random.default_rng(seed)
    small = Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def mask(seed: int) -> Image.Image:
    """Squares of the classes 0, 1, 2."""
    generator = np.random.default_rng(seed)
    squares = generator.integers(0, 3, (5, 5), dtype=np.uint8)
    return Image.fromarray(np.kron(squares, np.ones((8, 8), np.uint8)))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def images() -> list[tuple[str, bytes]]:
    """(ending, content) of an image in each format, mode and way of compression."""
    rgb = picture(1)
    grey = rgb.convert("L")
    alpha = Image.merge("RGBA", (*rgb.split(), grey))
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    frames = [picture(k) for k in (2, 3)]
    made = [("jpg", encoded(rgb, "JPEG", quality=q, progressive=p)) for q in (30, 95) for p in (False, True)]
    made += [("jpg", encoded(rgb.convert("CMYK"), "JPEG")), ("jpg", encoded(grey, "JPEG", exif=exif))]
    made += [("png", encoded(each, "PNG")) for each in (rgb, grey, alpha, grey.convert("1"), rgb.quantize(16), deep)]
    made += [
        ("png", encoded(rgb.quantize(8), "PNG", transparency=0)),
        ("png", encoded(rgb, "PNG", icc_profile=b"x" * 99)),
    ]
    made += [("tif", encoded(rgb, "TIFF", compression=c)) for c in (None, "tiff_lzw", "tiff_adobe_deflate", "jpeg")]
    made += [("tif", encoded(each, "TIFF")) for each in (grey, deep, alpha, rgb.convert("CMYK"), grey.convert("F"))]
    made += [("tif", encoded(rgb, "TIFF", save_all=True, append_images=frames))]
    made += [("gif", encoded(rgb.quantize(32), "GIF", save_all=True, append_images=[f.quantize(32) for f in frames]))]
    made += [("webp", encoded(each, "WEBP", lossless=lossless)) for each in (rgb, alpha) for lossless in (False, True)]
    return made + [("bmp", encoded(each, "BMP")) for each in (rgb, grey, rgb.quantize(16), grey.convert("1"))]


def masks() -> list[tuple[str, bytes]]:
    """(ending, content) of masks of three classes, as they are met."""
    plain = mask(1)
    values = np.asarray(plain)
    indexed = plain.convert("P")
    indexed.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    made = [("png", encoded(each, "PNG")) for each in (plain, indexed, Image.merge("RGB", [plain] * 3))]
    made += [
        ("png", encoded(indexed, "PNG", bits=4)),
        ("png", encoded(Image.fromarray(values.astype(np.uint16)), "PNG")),
    ]
    made += [("tif", encoded(Image.fromarray(values.astype(kind)), "TIFF")) for kind in (np.int32, np.float32)]
    return [*made, ("gif", encoded(indexed, "GIF")), ("bmp", encoded(plain, "BMP"))]


def altered(content: bytes, other: bytes, generator: random.Random) -> bytes:
    """The bytes with one to three faults: flips, cuts, spliced headers, extreme numbers, blocks lost or repeated."""
    for _ in range(generator.choice((1, 1, 1, 2, 3))):
        content = generator.choice(_WAYS)(content, other, generator)
    return content


def _flipped(content: bytes, other: bytes, generator: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(generator.choice((1, 1, 2, 8, 40))):
        if changed:
            changed[_place(changed, generator)] ^= 1 << generator.randrange(8)
    return bytes(changed)


def _cut(content: bytes, other: bytes, generator: random.Random) -> bytes:
    return content[: generator.randrange(len(content) + 1)]


def _spliced(content: bytes, other: bytes, generator: random.Random) -> bytes:
    """The head of one file and the rest of another."""
    return other[: generator.randrange(1, 64)] + content[generator.randrange(min(64, len(content) + 1)) :]


def _extreme(content: bytes, other: bytes, generator: random.Random) -> bytes:
    """A number in the header, of 2 or 4 bytes, made very small or very large."""
    size, order = generator.choice((2, 4)), generator.choice("<>")
    at = generator.randrange(max(1, min(len(content), 200)))
    number = struct.pack(f"{order}I", generator.choice(_EXTREMES))
    return content[:at] + (number[:size] if order == "<" else number[-size:]) + content[at + size :]


def _lost(content: bytes, other: bytes, generator: random.Random) -> bytes:
    """A block as zeros, as after a crash of the machine that copied it."""
    start = _place(content, generator)
    end = min(len(content), start + generator.choice((4, 64, 512)))
    return content[:start] + bytes(end - start) + content[end:]


def _repeated(content: bytes, other: bytes, generator: random.Random) -> bytes:
    start = _place(content, generator)
    block = content[start : start + generator.choice((4, 64, 512))]
    return content[:start] + block * generator.choice((2, 3, 50)) + content[start:]


def _checked(content: bytes, other: bytes, generator: random.Random) -> bytes:
    """A PNG whose chunks were altered and whose checksums are right: only the decoder can see it."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _flipped(content, other, generator)
    out, at = content[:8], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        body = _flipped(body, other, generator) if generator.random() < 0.5 else body
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        at += 12 + length
    return out


def _place(content: bytes | bytearray, generator: random.Random) -> int:
    """A position, among the first bytes more often than elsewhere."""
    return generator.randrange(max(1, len(content) if generator.random() < 0.5 else min(len(content), 128)))


_WAYS = (_flipped, _flipped, _cut, _spliced, _extreme, _extreme, _lost, _repeated, _checked, _checked)
