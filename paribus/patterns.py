"""Regular expressions that a study brings: within limits, and searched where an endless search can be ended."""

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Sequence

LONGEST = 200  # characters
SECONDS = 10  # of the processor, for all names together; some patterns take longer than the universe is old
_SEARCH = """
import json, re, resource, sys
pattern, names, seconds = json.load(sys.stdin)
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
found = [re.search(pattern, name) for name in names]
json.dump([match and match.group(1) for match in found], sys.stdout)
"""


def checked(text: object) -> str:
    """The pattern, if it is one with exactly one group. Raises ValueError with what is wrong."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise ValueError(f"it must be a text of at most {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            groups = re.compile(text).groups
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None
    if groups != 1:
        raise ValueError(f"it has {groups} groups, one is needed")
    return text


def first_groups(pattern: str, names: Sequence[str]) -> list[str | None]:
    """What the pattern's group holds in each name, None where it is not found. Raises ValueError after SECONDS.

    Another process searches: nothing else can stop a search of Python's.
    """
    command, asked = [sys.executable, "-I", "-c", _SEARCH], json.dumps([pattern, list(names), SECONDS])
    found = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    if found.returncode:
        raise ValueError(f"searching it in {len(names)} names takes more than {SECONDS} seconds")
    answer: list[str | None] = json.loads(found.stdout)
    return answer
