"""The made-up study, as a run store and as a table of predictions would hand it over."""

import pytest
from made_up_study import example, without_recipes

from paribus.results import Results


@pytest.fixture(scope="session")
def results() -> Results:
    return example(images=200)


@pytest.fixture(scope="session")
def compared(results) -> Results:
    return without_recipes(results)
