"""What common defects of segmentation scripts would have reported, beside the right number. Descriptions, no verdicts.

The study `studies/autopsy.yaml` trains what defects of training need (its arms); defects of scoring are worked out of
what its runs have kept. Rows of the table share neither images nor metrics: they are not to be compared.
"""

from paribus.autopsy.defects import Defect, defects
from paribus.autopsy.table import markdown, sentence, write

__all__ = ["Defect", "defects", "markdown", "sentence", "write"]
