"""JSON that carries its hash: any change is noticed, and a file of another owner is not taken."""

import json

import pytest

from paribus import sealed, strictjson

VALUE = {"files": {"a/b.json": "00ff", "é": "\udce9"}, "numbers": [1, 0.1, -0.0, None, True]}


@pytest.fixture
def path(tmp_path):
    sealed.write(tmp_path / "x.json", {"epoch": 3, "rate": 0.1, "name": "é"}, "me")
    return tmp_path / "x.json"


def test_what_was_written_is_read_back_and_the_form_is_free(path):
    assert sealed.read(path, "me") == {"epoch": 3, "rate": 0.1, "name": "é"}
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert sealed.read(path, "me") == {"epoch": 3, "rate": 0.1, "name": "é"}


def test_every_bit_of_the_file_counts(path):
    whole = path.read_bytes()
    meaning = json.loads(whole)
    unnoticed = []
    for at in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
            try:
                found = sealed.read(path, "me")
            except ValueError:
                continue
            unnoticed.append(found | {"sha256": meaning["sha256"]} == meaning)
    assert all(unnoticed)  # a blank that became another blank, say


def test_another_owner_is_refused_with_both_hashes(path):
    written = json.loads(path.read_text())["sha256"]
    with pytest.raises(ValueError, match=f"it has sha256 [0-9a-f]{{16}}, {written[:16]} was written"):
        sealed.read(path, "you")


def test_a_file_from_before_there_were_seals(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"seconds": 3}')
    assert sealed.read(path, "me", unsealed=frozenset({"seconds"})) == {"seconds": 3}
    with pytest.raises(ValueError, match="not what was written"):
        sealed.read(path, "me")
    path.write_text('{"seconds": 3, "rha256": "0"}')  # a seal whose name was hit
    with pytest.raises(ValueError, match="not what was written"):
        sealed.read(path, "me", unsealed=frozenset({"seconds"}))


def test_a_link_and_a_missing_file(path):
    link = path.with_name("link.json")
    link.symlink_to(path)
    with pytest.raises(ValueError, match="is a link"):
        sealed.read(link, "me")
    with pytest.raises(ValueError, match="No such file"):
        sealed.read(path.with_name("none.json"), "me")


def test_sealing_takes_any_json():
    assert sealed.opened(json.loads(json.dumps(sealed.sealed(VALUE, "o"))), "o") == VALUE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 50_000, "nested too deep"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"9" * 5000, "digits"),
        (b"[1]", "'[1]' where a mapping"),
        (b"", "Expecting value"),
        (b"{} {}", "Extra data"),
        (b" " * 101, "more than 100"),
    ],
)
def test_json_that_is_refused(content, words):
    with pytest.raises(ValueError, match="(?s)" + words.replace("[", r"\[")):
        strictjson.mapping(content, 100 if content.startswith(b" ") else strictjson.LARGEST)
