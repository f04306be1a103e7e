"""Study files that must be refused, each with one fault or with several that must all be told, and what is said."""

from dataclasses import dataclass

BASE = """\
title: Base
seeds: 2
baseline:
  data: faces
  model: {use: small_cnn, width: 4}
  epochs: 2
arms:
  hot: {optimizer.lr: 0.3}
"""


@dataclass(frozen=True)
class Bad:
    """A file, and of each problem the code, the line and words of the message."""

    content: bytes
    told: tuple[tuple[str, int, str], ...]


def bad(content: str | bytes, *told: tuple[str, int, str]) -> Bad:
    return Bad(content.encode() if isinstance(content, str) else content, told)


def instead(old: str, new: str, *told: tuple[str, int, str]) -> Bad:
    assert BASE.count(old) == 1, old
    return bad(BASE.replace(old, new), *told)


def more(line: str, *told: tuple[str, int, str]) -> Bad:
    return bad(f"{BASE}{line}\n", *told)


BOMB = "a: &a [1, 1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
CASES = {
    # --- what YAML can do beyond data
    "tag-python": more("x: !!python/object/apply:os.system [touch PWNED]", ("YAML_TAG", 9, "not allowed")),
    "tag-python-name": more("x: !!python/name:os.system", ("YAML_TAG", 9, "not allowed")),
    "tag-own": instead("epochs: 2", "epochs: !int 2", ("YAML_TAG", 6, "not allowed")),
    "tag-standard": instead("epochs: 2", "epochs: !!int 2", ("YAML_TAG", 6, "not allowed")),
    "tag-binary": more("x: !!binary aGVsbG8=", ("YAML_TAG", 9, "not allowed")),
    "alias": bad("a: &x 1\nb: *x\n", ("YAML_ALIAS", 2, "the alias *x")),
    "alias-bomb": bad(BOMB + BASE, ("YAML_ALIAS", 2, "the alias *a"), ("YAML_ALIAS", 10, "the alias *i")),
    "alias-to-itself": bad("a: &x [*x]\n", ("YAML_ALIAS", 1, "the alias *x")),
    "merge-key": more("x:\n  <<: {a: 1}", ("YAML_KEY", 10, "plain text")),
    "duplicate-key": more("seeds: 3", ("YAML_DUPLICATE_KEY", 9, "'seeds' stands twice")),
    "duplicate-key-inside": instead("width: 4", "width: 4, width: 8", ("YAML_DUPLICATE_KEY", 5, "'width'")),
    "duplicate-arm": more("  hot: {epochs: 3}", ("YAML_DUPLICATE_KEY", 9, "'hot' stands twice")),
    "key-that-is-a-list": more("? [a, b]\n: 1", ("YAML_KEY", 9, "plain text")),
    "key-that-is-a-mapping": more("? {a: b}\n: 1", ("YAML_KEY", 9, "plain text")),
    "two-documents": more("---\nseeds: 3", ("STUDY_NOT_YAML", 9, "another document")),
    "directive": bad("%YAML 3.7\n---\n" + BASE, ("STUDY_NOT_YAML", 1, "incompatible")),
    # --- form
    "deep-lists": more("x: " + "[" * 3000 + "]" * 3000, ("YAML_TOO_DEEP", 9, "more than 20 levels")),
    "deep-mappings": more("x: " + "{a: " * 3000 + "1" + "}" * 3000, ("YAML_TOO_DEEP", 9, "more than 20 levels")),
    "deep-blocks": bad("".join(" " * k + "a:\n" for k in range(400)), ("YAML_TOO_DEEP", 21, "more than 20 levels")),
    "too-large": bad(BASE + "#" * (1 << 20), ("STUDY_TOO_LARGE", 1, "at most 1048576 bytes")),
    "too-many-values": bad("x: [" + "1," * 30_000 + "1]\n", ("STUDY_TOO_LARGE", 1, "more than 20000")),
    "not-utf8": bad(BASE.encode() + b"title: caf\xe9\n", ("STUDY_NOT_UTF8", 9, "byte")),
    "utf16": bad(BASE.encode("utf-16"), ("STUDY_NOT_UTF8", 1, "byte 0")),
    "nul": more("x: a\0b", ("STUDY_NOT_YAML", 9, "special characters")),
    "escape-code": more("x: \x1b[2Ja", ("STUDY_NOT_YAML", 9, "special characters")),
    "lone-surrogate": bad(BASE.encode() + b"title: \xed\xa0\x80\n", ("STUDY_NOT_UTF8", 9, "byte")),
    "escaped-surrogate": instead("Base", '"a\\ud83d"', ("YAML_TEXT", 1, "half a character")),
    "escaped-surrogate-in-a-key": more('"k\\udce9": 1', ("STUDY", 9, "Unknown key")),
    "tab-indentation": instead("  epochs", "\tepochs", ("STUDY_NOT_YAML", 6, r"cannot start any token")),
    "unclosed": instead("{use: small_cnn, width: 4}", "{use: small_cnn, width: 4", ("STUDY_NOT_YAML", 6, "expected")),
    "unclosed-quote": instead("Base", '"Base', ("STUDY_NOT_YAML", 9, "end of stream")),
    "binary": bad(bytes(range(256)) * 4, ("STUDY_NOT_UTF8", 2, "byte 128")),
    "png": bad(b"\x89PNG\r\n\x1a\n" + bytes(40), ("STUDY_NOT_UTF8", 1, "byte 0")),
    "html": bad("<!doctype html>\n<html><body>404</body></html>\n", ("STUDY", 1, "a study is a mapping")),
    "json-list": bad("[1, 2]", ("STUDY", 1, "a study is a mapping")),
    "list-at-top": bad("- title: x\n", ("STUDY", 1, "a study is a mapping")),
    "empty": bad("", ("STUDY", 1, "a study is a mapping")),
    "comments-only": bad("# nothing\n", ("STUDY", 1, "a study is a mapping")),
    "text-only": bad("hello\n", ("STUDY", 1, "a study is a mapping")),
    # --- numbers and words that another reader would turn into something else
    "yes": instead("epochs: 2", "epochs: yes", ("STUDY", 6, "a whole number from 1, not 'yes'")),
    "sexagesimal": instead("epochs: 2", "epochs: 1:30", ("STUDY", 6, "a whole number from 1, not '1:30'")),
    "hexadecimal": instead("epochs: 2", "epochs: 0x10", ("STUDY", 6, "a whole number from 1, not '0x10'")),
    "underscore": instead("epochs: 2", "epochs: 1_000", ("STUDY", 6, "a whole number from 1, not '1_000'")),
    "date": instead("seeds: 2", "seeds: 2020-01-01", ("STUDY", 2, "not '2020-01-01'")),
    "number-as-text": instead("epochs: 2", 'epochs: "2"', ("STUDY", 6, "a whole number from 1, not '2'")),
    "fraction": instead("epochs: 2", "epochs: 2.0", ("STUDY", 6, "a whole number from 1, not 2.0")),
    "truth": instead("epochs: 2", "epochs: true", ("STUDY", 6, "a whole number from 1, not True")),
    "nan": more("margin: .nan", ("STUDY", 9, "margin must be a number above 0")),
    "infinity": more("margin: .inf", ("STUDY", 9, "margin must be a number above 0")),
    "rate-beyond-float32": instead("lr: 0.3", "lr: 1e31", ("STUDY", 8, "lr must be at most 1e+30 in size, not 1e+31")),
    "crop-to-nothing": instead(
        "epochs: 2", "epochs: 2\n  input: {crop_fraction: 1e-9}", ("STUDY", 7, "a number from 0.1 to 1, not 1e-09")
    ),
    "weights-too-small": more(
        "questions: {q: {weights: {baseline: -1e-20, hot: 1e-20}}}", ("STUDY", 9, "from 0.001 to 1000")
    ),
    "weights-too-large": more(
        "questions: {q: {weights: {baseline: -1e300, hot: 1e300}}}", ("STUDY", 9, "from 0.001 to 1000")
    ),
    "weights-of-zero": more("questions: {q: {weights: {baseline: 0, hot: 0}}}", ("STUDY", 9, "leave out arms")),
    "too-large-float": more("margin: 1e999", ("YAML_NUMBER", 9, "too large")),
    "huge-integer": instead("epochs: 2", "epochs: " + "9" * 5000, ("YAML_NUMBER", 6, "too large")),
    "huge-epochs": instead("epochs: 2", "epochs: 9223372036854775808", ("YAML_NUMBER", 6, "too large")),
    "negative": instead("epochs: 2", "epochs: -2", ("STUDY", 6, "from 1, not -2")),
    "null": instead("epochs: 2", "epochs:", ("STUDY", 6, "from 1, not None")),
    # --- keys and names
    "unknown-key": instead(
        "seeds: 2", "sedes: 2", ("STUDY", 2, "Did you mean 'seeds'?"), ("STUDY", 1, "exactly one of")
    ),
    "unknown-field": instead("epochs: 2", "epoch: 2", ("STUDY", 6, "Did you mean 'epochs'?")),
    "unknown-argument": instead("width: 4", "witdh: 4", ("STUDY", 5, "Did you mean 'width'?")),
    "unknown-part": instead("small_cnn", "smal_cnn", ("STUDY", 5, "Did you mean 'small_cnn'?")),
    "title-of-megabyte": instead("Base", "a" * 900_000, ("STUDY", 1, "has 900000 characters")),
    "ask-that-is-a-list": more("questions: {q: {compare: [baseline, hot], ask: [1]}}", ("STUDY", 9, "are texts of")),
    "question-name-long": more(f"questions: {{{'q' * 600}: {{compare: [baseline, hot]}}}}", ("STUDY", 9, "texts of")),
    "images-without-number": instead("data: faces", "data: {use: faces, n: 1000000000}", ("STUDY", 4, "to 100000")),
    "images-without-end": more("  huge: {input.size: 1000000}", ("STUDY", 9, "from 8 to 4096")),
    "unknown-model-of-megabyte": instead(
        "small_cnn", '"timm:' + "a" * 500_000 + '"', ("STUDY", 5, "Unknown timm model 'aaa")
    ),
    "unknown-arm": more("questions: {q: {compare: [baseline, hoot]}}", ("STUDY", 9, "Did you mean 'hot'?")),
    "unknown-path": more("  cold: {optimiser.lr: 1}", ("STUDY", 9, "Did you mean 'optimizer'?")),
    "unknown-metric": more("metric: acuracy", ("STUDY", 9, "Did you mean 'accuracy'?")),
    "arm-name-path": more("  ../../evil: {epochs: 3}", ("STUDY", 9, "must be 1 to 64 of A-Z")),
    "arm-name-html": more("  <script>alert(1)</script>: {epochs: 3}", ("STUDY", 9, "must be 1 to 64 of A-Z")),
    "arm-name-long": more(f"  {'a' * 65}: {{epochs: 3}}", ("STUDY", 9, "must be 1 to 64 of A-Z")),
    "arm-name-newline": more('  "a\\nb": {epochs: 3}', ("STUDY", 9, "must be 1 to 64 of A-Z")),
    "arm-name-empty": more('  "": {epochs: 3}', ("STUDY", 9, "must be 1 to 64 of A-Z")),
    "level-name": more("factors: {f: {a: {}, 'b c': {epochs: 3}}}", ("STUDY", 9, "must be 1 to 64 of A-Z")),
    "arms-of-thousands": bad(
        BASE + "".join(f"  a{k}: {{epochs: {k + 3}}}\n" for k in range(2000)), ("STUDY", 7, "at most 512")
    ),
    "factors-of-thousands": more(
        "factors:\n" + "".join(f"  f{k}: {{a{k}: {{}}, b{k}: {{epochs: {k + 3}}}}}\n" for k in range(60)),
        ("STUDY", 9, "more than 512 arms"),
    ),
    "unknown-keys-of-thousands": bad(
        BASE + "".join(f"k{k}: 1\n" for k in range(5000)), ("STUDY", 9, "Unknown key of a study 'k0'")
    ),
    # --- code by name
    "plugin-part": instead("small_cnn", '"os:system"', ("STUDY", 5, "--plugin os")),
    "plugin-dotted": instead("small_cnn", '"paribus.cli:main"', ("STUDY", 5, "--plugin paribus.cli")),
    "plugin-data": instead("data: faces", 'data: "subprocess:run"', ("STUDY", 4, "--plugin subprocess")),
    "plugin-metric": more('metric: "builtins:eval"', ("STUDY", 9, "--plugin builtins")),
    "plugin-of-a-question": more(
        'questions: {q: {compare: [baseline, hot], metric: "os:system"}}', ("STUDY", 9, "--plugin os")
    ),
    "part-that-is-private": instead("small_cnn", "_load", ("STUDY", 5, "Unknown model '_load'")),
    "part-that-is-a-dunder": instead("small_cnn", "__builtins__", ("STUDY", 5, "Unknown model '__builtins__'")),
    "part-that-a-module-borrows": instead("data: faces", "data: Path", ("STUDY", 4, "Unknown dataset 'Path'")),
    # --- paths and patterns
    "root-above": instead("data: faces", "data: {use: folder, root: ../../etc}", ("DATA_OUTSIDE", 4, "leads out of")),
    "root-above-by-a-detour": instead(
        "data: faces", "data: {use: folder, root: a/../../b}", ("DATA_OUTSIDE", 4, "leads out of")
    ),
    "root-nul": instead("data: faces", 'data: {use: folder, root: "a\\0b"}', ("DATA_OUTSIDE", 4, "a name or a path")),
    "root-list": instead("data: faces", "data: {use: folder, root: [a]}", ("DATA_OUTSIDE", 4, "a name or a path")),
    "root-empty": instead("data: faces", 'data: {use: folder, root: ""}', ("DATA_OUTSIDE", 4, "a name or a path")),
    "pattern-endless-to-compile": more(f"groups: {{pattern: '{'(' * 150}'}}", ("STUDY", 9, "regular expression")),
    "pattern-long": more(f"groups: {{pattern: '({'a' * 300})'}}", ("STUDY", 9, "at most 200 characters")),
    "pattern-repeats": more("groups: {pattern: '(a{99999999999})'}", ("STUDY", 9, "regular expression")),
    # --- several at once
    "five-at-once": bad(
        "title: 7\nseeds: two\nmargin: -1\n"
        "baseline:\n  data: faces\n  model: {use: small_cnn, widht: 4}\n  epochs: no\n",
        ("STUDY", 1, "title must be a text"),
        ("STUDY", 2, "seeds must be"),
        ("STUDY", 3, "margin must be"),
        ("STUDY", 6, "Did you mean 'width'?"),
        ("STUDY", 7, "from 1, not 'no'"),
    ),
    "tags-and-aliases-at-once": bad(
        "a: !x 1\nb: *y\nc: !z {}\n",
        ("YAML_TAG", 1, "!x"),
        ("YAML_ALIAS", 2, "*y"),
        ("YAML_TAG", 3, "!z"),
    ),
}  # fmt: skip

ACCEPTED = {
    "as it is": BASE,
    "exponent without a point": BASE.replace("0.3", "1e-3"),
    "leading zero is decimal": BASE.replace("seeds: 2", "seeds: 010"),
    "no is a text": BASE.replace("title: Base", "title: no"),
    "a byte order mark": "\ufeff" + BASE,
    "windows line ends": BASE.replace("\n", "\r\n"),
    "json": '{"seeds": 2, "baseline": {"data": "faces", "model": "small_cnn"}, "arms": {"a": {"epochs": 3}}}',
    "a title of markup": BASE.replace("title: Base", "title: '<script>alert(1)</script>'"),
    "a comment of half a megabyte": BASE + "#" * 500_000,
}
