"""Each mutant can be made of the code as it is (test_noticed.py: and is noticed)."""
import pytest

import mutants
from lab import TREE


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_can_be_made(mutant):
    for file, old, _ in mutant.places():
        assert (TREE / file).read_text().count(old) == 1, f"{file} has changed"
