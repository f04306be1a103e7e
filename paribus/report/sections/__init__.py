"""What each section of the page says: words and rows from the document, in the order a reader needs them."""

from paribus.report.sections import (
    arms,
    curves,
    first_screen,
    leaks,
    masks,
    one_run,
    predictions,
    questions,
    trust,
    tuning,
    validity,
)
from paribus.report.sections.validity import OUTCOMES
from paribus.report.sections.words import WORDS, Row

__all__ = ["OUTCOMES", "WORDS", "view"]


def view(document: Row) -> Row:
    """Everything the template prints, section by section."""
    return {
        "facts": first_screen.facts(document),
        "summary": first_screen.summary(document),
        "missing": first_screen.missing(document),
        "forest": first_screen.forest(document),
        "answers": first_screen.answers(document),
        "questions": [questions.question(document, q) for q in document["questions"]],
        "one_run": one_run.one_run(document),
        "arms": arms.arms(document),
        "tuning": tuning.tuning(document),
        "curves": curves.curves(document),
        "confusions": predictions.confusions(document),
        "disagreements": predictions.disagreements(document),
        "leaks": leaks.leaks(document),
        "confused": trust.confused(document),
        "mistakes": trust.mistakes(document),
        "calibration": trust.calibration(document),
        "thresholds": trust.thresholds(document),
        "classes": masks.classes(document),
        "pictures": masks.pictures(document),
        "pixels": masks.data(document),
        "certificates": validity.certificates(document),
        "findings": validity.findings(document),
        "repeat": validity.repeat(document),
    }
