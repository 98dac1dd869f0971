"""Every script block: the same commands to Vigil and to redis-server, and the same replies."""

from pathlib import Path

import pytest

from differential.runner import compare
from differential.script import parse_file

CASES = [pytest.param(block, protocol, id=f"{block.id}:resp{protocol}")
         for path in sorted((Path(__file__).parent / "scripts").glob("*.txt"))
         for block in parse_file(path) for protocol in block.protocols]


@pytest.mark.sanitize
@pytest.mark.parametrize("block, protocol", CASES)
def test_same_replies(live_pair, block, protocol):
    problems = compare(block, protocol, *live_pair)
    if problems:
        pytest.fail(f"{len(problems)} replies differ:\n" + "\n".join(problems), pytrace=False)
