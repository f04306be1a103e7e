"""Where the difference between two label spaces comes from: a description, never a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from paribus.epochs import chosen
from paribus.metrics import MetricFunction, named
from paribus.predictions import MaskCounts, RunRecord
from paribus.questions import Design, Question
from paribus.scoring import in_space, scored_in


@dataclass(frozen=True)
class LabelSpaces:
    """A naive difference taken apart, in the metric's own unit; naive = easier_score + training.

    naive: of the metrics of each arm in its own label space, two different quantities. easier_score: what scoring the
    same predictions in the shared space instead adds to it. training: the difference in the shared space, which is
    the question's own. own, shared: the mean over runs of each arm in both spaces; classes: how many each arm has.
    """

    naive: float
    easier_score: float
    training: float
    own: dict[str, float]
    shared: dict[str, float]
    classes: dict[str, int]


def label_space_decomposition(
    question: Question,
    arms: Mapping[str, Sequence[RunRecord]],
    design: Design,
    seeds: int | None = None,
    metrics: Mapping[str, MetricFunction] | None = None,
) -> LabelSpaces | None:
    """The naive difference of a question with `score_in`; None where its arms share one label space, or without runs.

    seeds: use the first so many runs of each arm, as the question's contrast did. Epochs are chosen once, by the metric
    in the shared space: both scores are of the same predictions. Raises DataError for missing evidence.
    """
    space = question.score_in
    used = {arm: weight for arm, weight in question.weights.items() if weight}
    if space is None or not all(arms.get(arm) for arm in used):
        return None
    metric = named(question.metric, metrics)
    counts = {arm: [_counts(run, question, design, metric) for run in arms[arm][:seeds]] for arm in used}
    classes = {arm: len(each[0].classes) for arm, each in counts.items()}
    if len({each[0].classes for each in counts.values()}) == 1:
        return None
    own = {arm: float(np.mean([metric(c).mean() for c in each])) for arm, each in counts.items()}
    shared = {arm: float(np.mean([metric(in_space(c, space)).mean() for c in each])) for arm, each in counts.items()}
    naive = sum(weight * own[arm] for arm, weight in used.items())
    training = sum(weight * shared[arm] for arm, weight in used.items())
    return LabelSpaces(naive, naive - training, training, own, shared, classes)


def _counts(run: RunRecord, question: Question, design: Design, metric: MetricFunction) -> MaskCounts:
    scored = scored_in(metric, question.score_in)
    found, _ = chosen(run, design.split, design.epoch, scored, design.groups)
    if not isinstance(found, MaskCounts):
        raise TypeError("Label spaces belong to masks, and this is a classification.")
    return found
