"""The thirteen questions of the original report, answered from the evidence."""

from paribus.reproduce.answers import crop, labels, recipe, training
from paribus.reproduce.blocks import Answer
from paribus.reproduce.evidence import Evidence

__all__ = ["answers"]


def answers(evidence: Evidence) -> tuple[Answer, ...]:
    """All of them, in the order of the original."""
    parts = (training, crop, recipe, labels)
    return tuple(answer for part in parts for answer in part.answers(evidence))
