"""Names of files that become folders: plain ones stay, others cannot collide or lead anywhere."""

import pytest

from paribus.naming import NAME, folder_name


@pytest.mark.parametrize("text", ["study", "a.b_c-1", "A" * 64])
def test_plain_names_stay(text):
    assert folder_name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "runs",
        "prepared",
        ".",
        "..",
        ".hidden",
        "-x",
        "my study",
        "café",
        "a/b",
        "",
        "x" * 65,
        "\x1b[2J",
        "\udce9",
        "<b>",
    ],
)
def test_other_names_become_plain_and_stay_apart(text):
    found = folder_name(text)
    assert NAME.fullmatch(found) and found not in ("runs", "prepared") and found[0] not in ".-"
    assert found != folder_name(text + "x") and found == folder_name(text)


def test_names_that_look_alike_when_plain_stay_apart():
    assert len({folder_name(text) for text in ("my study", "my-study", "my_study", "my  study")}) == 4
