"""What the original printed adds up, and what follows from it is computed."""

import pytest

from paribus.reproduce import original
from paribus.stats import mcnemar


def test_four_hundred_is_the_fewest_images_that_fit_every_printed_accuracy():
    accuracies = [arm.accuracy for arm in original.CLASSIFIERS]
    assert original.fewest_images(accuracies) == original.IMAGES == 400
    assert original.fewest_images([0.5]) == 2 and original.fewest_images([0.3333]) == 3
    assert original.fewest_images([0.12345678], most=10) is None


def test_differences_are_counts_of_images():
    apart = original.images_apart
    assert apart(original.FINE_TUNED, original.FINE_TUNED_WHOLE_FACE) == 7
    assert apart(original.EXTRACTOR, original.EXTRACTOR_WHOLE_FACE) == -19
    assert apart(original.FINE_TUNED_WHOLE_FACE, original.BEST_RECIPE) == 6


@pytest.mark.parametrize("net", [6, 7, 19, -7])
def test_how_much_two_networks_may_disagree_is_the_last_count_that_mcnemar_lets_pass(net):
    most = original.most_disagreement(net)
    lost = (most - abs(net)) // 2
    assert mcnemar(abs(net) + lost, lost) < 0.05 <= mcnemar(abs(net) + lost + 1, lost + 1)


def test_seven_images_are_surprising_up_to_nine_disagreements_and_five_never():
    assert original.most_disagreement(7) == 9
    assert original.most_disagreement(5) is None


def test_the_lists_have_the_printed_means():
    for row in (original.ELEVEN_BY_CLASS, original.THREE_BY_CLASS):
        assert len(row.iou) == len(row.classes)
        assert row.mean == pytest.approx(row.mean_iou, abs=5e-5)


def test_what_leaving_out_missed_classes_does():
    row = original.ELEVEN_BY_CLASS
    assert row.undetected == ("pole", "sign", "bicyclist")
    assert row.hardly_detected == ("pole", "sign", "fence", "pedestrian", "bicyclist")
    assert row.mean_without(["pole"]) == pytest.approx(0.4325, abs=5e-5)
    assert row.mean_without(row.hardly_detected) == pytest.approx(0.714, abs=5e-4)


def test_numbers_are_shown_with_their_printed_digits():
    assert original.percent(0.7175) == "71.75\N{NO-BREAK SPACE}%"
    assert original.points(-0.0475) == "−4.75\N{NO-BREAK SPACE}points"
    assert original.points(0.0175) == "+1.75\N{NO-BREAK SPACE}points"
    assert original.minutes(255) == "4 m 15 s"


def test_the_images_alone_leave_an_interval_open():
    low, high = original.of_images_alone(0.875)
    assert 0.83 < low < 0.875 < high < 0.91
