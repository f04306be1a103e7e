"""What finished runs say about images that nobody has labelled: one run, or the runs of an arm together."""

from paribus.predicting.chosen import Chosen, Member, choose, one_of
from paribus.predicting.going import Predicted, predict, summary

__all__ = ["Chosen", "Member", "Predicted", "choose", "one_of", "predict", "summary"]
