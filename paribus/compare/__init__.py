"""Models that were trained elsewhere: from tables of predictions to the same statistics, verdicts and report."""

from paribus.compare.answers import results
from paribus.compare.folder import collect, load, write
from paribus.compare.joining import Predicted
from paribus.compare.reading import read

__all__ = ["Predicted", "collect", "load", "read", "results", "write"]
