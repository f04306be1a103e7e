"""Decoding: each odd kind of file with the pixels it must give, and each bad one with the code it must get."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageOps

from paribus import images
from paribus.errors import IntegrityError, MachineError


@pytest.fixture
def save(tmp_path):
    """Write an image, an array or bytes; gives the path."""

    def write(what, name="x.png", **options):
        path = tmp_path / name
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            image = what if isinstance(what, Image.Image) else Image.fromarray(what)
            image.save(path, **options)
        return path

    return write


def noise(height=12, width=16, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def codes(path):
    return [warning.code for warning in images.read(path).warnings]


def refused(path):
    with pytest.raises(images.ImageProblem) as caught:
        images.read(path)
    return caught.value.problem


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(array16, colour):
    """A 16-bit PNG of `array16`, (H, W, C)."""
    height, width = array16.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array16)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    end = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + end


# ---------------------------------------------------------------------------------------------- what comes out


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif", "x.webp"])
def test_lossless_rgb_comes_back_as_it_was_without_a_word(save, name):
    pixels = noise()
    path = save(pixels, name, **({"lossless": True} if name == "x.webp" else {}))
    found = images.read(path)
    assert (found.pixels == pixels).all() and found.pixels.dtype == np.uint8
    assert (found.height, found.width, found.warnings) == (12, 16, ())
    assert found.file_bytes == path.stat().st_size


def test_grey_and_one_bit_become_three_equal_channels(save):
    grey = noise(channels=0)
    assert (images.decode(save(grey)) == grey[:, :, None]).all()
    bits = Image.fromarray(grey).point(lambda v: 255 * (v > 100)).convert("1")
    assert (images.decode(save(bits)) == np.where(grey > 100, 255, 0)[:, :, None]).all()


def test_palette_is_looked_up(save):
    image = Image.fromarray(noise(channels=0) % 3).convert("P")
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 0, 250] + [7] * 759)
    table = np.array([[10, 20, 30], [200, 0, 0], [0, 0, 250]])
    assert (images.decode(save(image)) == table[noise(channels=0) % 3]).all()


def test_transparent_palette_entry_is_white(save):
    index = noise(channels=0) % 2
    image = Image.fromarray(index).convert("P")
    image.putpalette([255, 0, 255, 10, 20, 30] + [0] * 762)
    path = save(image, transparency=0)
    assert (images.decode(path) == np.where(index[:, :, None] == 0, 255, [10, 20, 30])).all()
    assert codes(path) == ["IMG_ALPHA"]


def test_alpha_is_composited_on_white_and_hides_what_lies_under_it(save):
    rgba = np.zeros((10, 10, 4), np.uint8)
    rgba[:, :5] = (255, 0, 255, 0)  # magenta, fully transparent
    rgba[:, 5:] = (100, 0, 200, 128)
    path = save(rgba)
    pixels = images.decode(path)
    assert (pixels[:, :5] == 255).all()
    half = [round((c * 128 + 255 * 127) / 255) for c in (100, 0, 200)]
    assert (pixels[:, 5:] == half).all() and codes(path) == ["IMG_ALPHA"]


def test_opaque_grey_with_alpha_is_grey_without_a_warning(save):
    grey = Image.fromarray(noise(channels=0))
    path = save(Image.merge("LA", (grey, Image.new("L", grey.size, 255))))
    assert (images.decode(path) == np.asarray(grey)[:, :, None]).all() and codes(path) == []


def ramp16():
    return np.linspace(0, 65535, 16 * 20).astype(np.uint16).reshape(16, 20)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_16_bit_grey_keeps_its_high_byte(save, name):
    path = save(ramp16(), name)
    assert (images.decode(path) == (ramp16() >> 8)[:, :, None]).all()
    assert codes(path) == ["IMG_DEPTH_CONVERTED"]


def test_16_bit_big_endian_tiff(save):
    big = Image.frombytes("I;16B", (20, 16), ramp16().astype(">u2").tobytes())
    assert (images.decode(save(big, "big.tif")) == (ramp16() >> 8)[:, :, None]).all()


def test_48_bit_png_keeps_its_high_bytes_and_says_so(save):
    deep = np.stack([ramp16(), ramp16()[::-1], ramp16()[:, ::-1]], axis=2)
    path = save(raw_png(deep, colour=2))
    assert (images.decode(path) == deep >> 8).all() and codes(path) == ["IMG_DEPTH_CONVERTED"]


def test_cmyk_red_stays_red(save):
    path = save(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "cmyk.jpg", quality=95)
    red, green, blue = images.decode(path).mean((0, 1))
    assert red > 240 and green < 15 and blue < 15 and codes(path) == ["IMG_MODE_CONVERTED", "IMG_CONSTANT"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["o.jpg", "o.png", "o.webp", "o.tif", "lzw.tif"])
def test_orientation_is_applied_once(save, name, orientation):
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:8, :8, 0] = 255
    pixels[8:, 16:, 1] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"o.jpg": {"quality": 95}, "o.webp": {"lossless": True}, "lzw.tif": {"compression": "tiff_lzw"}}
    path = save(pixels, name, exif=exif, **options.get(name, {}))
    marked = Image.fromarray(pixels)
    marked.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(marked)).astype(int)
    found = images.read(path)
    assert found.pixels.shape == expected.shape
    assert np.abs(found.pixels - expected).mean() < 6
    assert [w.code for w in found.warnings] == (["IMG_EXIF_ROTATED"] if orientation > 1 else [])


def test_meaningless_or_damaged_exif_leaves_the_image_as_it_is(save):
    exif = Image.Exif()
    exif[0x0112] = 99
    path = save(noise(), "odd.png", exif=exif)
    assert codes(path) == ["IMG_EXIF_INVALID"] and (images.decode(path) == noise()).all()
    good = save(noise(), "good.jpg").read_bytes()
    junk = b"\xff\xe1" + struct.pack(">H", 48) + b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xee" * 32
    assert codes(save(good[:2] + junk + good[2:], "bad.jpg")) == ["IMG_EXIF_INVALID"]


def test_first_frame_of_several(save):
    frames = [Image.fromarray(noise(seed=s)) for s in range(3)]
    for name in ("pages.tif", "moving.webp"):
        options = {"lossless": True} if name == "moving.webp" else {}
        path = save(frames[0], name, save_all=True, append_images=frames[1:], **options)
        assert codes(path) == ["IMG_MULTIFRAME"] and (images.decode(path) == noise(seed=0)).all()


def test_odd_but_usable_files_are_warned_about(save):
    png, jpeg = save(noise()).read_bytes(), save(noise(), "x.jpg").read_bytes()
    assert codes(save(png, "named.jpg")) == ["IMG_EXT_MISMATCH"]
    assert codes(save(png + b"PK\3\4more", "tail.png")) == ["IMG_TRAILING_BYTES"]
    assert codes(save(jpeg + b"PK\3\4more", "tail.jpg")) == ["IMG_TRAILING_BYTES"]
    assert codes(save(jpeg + b"\0" * 9, "padded.jpg")) == []
    assert codes(save(np.full((9, 9, 3), 7, np.uint8), "flat.png")) == ["IMG_CONSTANT"]


# ---------------------------------------------------------------------------------------------- what is refused


def test_cut_and_damaged_files(save):
    jpeg, png = save(noise(), "x.jpg").read_bytes(), save(noise()).read_bytes()
    assert refused(save(jpeg[: len(jpeg) * 3 // 4], "half.jpg")).code == "IMG_TRUNCATED"
    assert refused(save(jpeg[:-2], "noend.jpg")).code == "IMG_TRUNCATED"
    assert refused(save(png[: len(png) // 2], "half.png")).code == "IMG_TRUNCATED"
    assert refused(save(png[:1], "one.png")).code == "IMG_UNREADABLE"
    broken = bytearray(png)
    broken[png.index(b"IDAT") + 20] ^= 255
    assert refused(save(bytes(broken), "rot.png")).code == "IMG_UNREADABLE"


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (b"", "IMG_EMPTY_FILE", "0 bytes"),
        (b"<!DOCTYPE html><html>403</html>", "IMG_NOT_AN_IMAGE", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "IMG_NOT_AN_IMAGE", "Git LFS pointer"),
        (b"<?xml version='1.0'?><svg></svg>", "IMG_NOT_AN_IMAGE", "SVG"),
        (b"\0" * 4096, "IMG_NOT_AN_IMAGE", "zeros"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "IMG_FORMAT_NOT_ALLOWED", "HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "IMG_FORMAT_NOT_ALLOWED", "EPS"),
    ],
)
def test_what_is_no_image_is_named(save, content, code, word):
    problem = refused(save(content, "photo.jpg"))
    assert problem.code == code and word in problem.message and problem.where == "photo.jpg"


def test_limits_hold_before_any_pixel_is_decoded(save, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # what users set; our limit must not depend on it
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 10000, 5001, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    problem = refused(save(bomb, "bomb.png"))
    assert problem.code == "IMG_BOMB" and "10000 x 5001" in problem.message
    assert refused(save(np.zeros((8, 801, 3), np.uint8), "line.png")).code == "IMG_ASPECT"
    assert images.decode(save(np.zeros((8, 800, 3), np.uint8), "wide.png")).shape == (8, 800, 3)
    assert refused(save(np.zeros((7, 9, 3), np.uint8), "small.png")).code == "IMG_TOO_SMALL"


def test_float_images_have_no_agreed_range(save):
    assert (
        refused(save(np.linspace(-3, 900, 100, dtype=np.float32).reshape(10, 10), "f.tif")).code
        == "IMG_MODE_UNSUPPORTED"
    )


def test_only_regular_files_of_bounded_size_are_opened(tmp_path, save, monkeypatch):
    os.mkfifo(tmp_path / "pipe.png")
    assert refused(tmp_path / "pipe.png").code == "FILE_NOT_REGULAR"
    assert refused(tmp_path).code == "FILE_NOT_REGULAR"
    assert refused(tmp_path / "nowhere.png").code == "FILE_MISSING"
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert refused(tmp_path / "loop.png").code == "FILE_MISSING"
    with (tmp_path / "huge.png").open("wb") as sparse:
        sparse.truncate(6 << 30)
    assert refused(tmp_path / "huge.png").code == "FILE_TOO_LARGE"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_unreadable_file(save):
    path = save(noise())
    path.chmod(0)
    assert refused(path).code == "FILE_PERMISSION"


def test_a_pillow_that_passes_damaged_images_is_refused(save, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(MachineError, match="LOAD_TRUNCATED_IMAGES"):
        images.read(save(noise()))


# ---------------------------------------------------------------------------------------------- hashes


def test_hashes_belong_to_bytes_and_to_pixels(save):
    png, bmp = images.read(save(noise(), "a.png")), images.read(save(noise(), "a.bmp"))
    assert png.pixel_hash == bmp.pixel_hash and png.sha256 != bmp.sha256
    assert images.hash_pixels(noise(12, 16)) != images.hash_pixels(noise(12, 16).reshape(16, 12, 3))


def test_other_content_than_expected_is_not_decoded(save):
    path = save(noise())
    sha256 = images.read(path).sha256
    assert (images.decode(path, sha256=sha256) == noise()).all()
    save(noise(seed=1))
    with pytest.raises(IntegrityError, match="DATA_CHANGED"):
        images.decode(path, sha256=sha256)


def test_threads_share_nothing(save):
    """Damaged EXIF makes Pillow warn; warnings are errors here, and none may escape from any thread."""
    good = save(noise(), "good.jpg").read_bytes()
    junk = b"\xff\xe1" + struct.pack(">H", 48) + b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xee" * 32
    path = save(good[:2] + junk + good[2:], "bad.jpg")
    with ThreadPoolExecutor(4) as pool:
        assert set(map(tuple, pool.map(codes, [path] * 40))) == {("IMG_EXIF_INVALID",)}
