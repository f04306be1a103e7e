"""An explanation put to the test: what the crops show of an object, and whether the networks look at it.

`crops` draws again the crops that training sees; `attribution` asks finished runs which pixels spoke for their answers.
Both need boxes that say where the object is (`paribus.datasets.boxes`), and give rows (`rows`) and `findings`.
"""
