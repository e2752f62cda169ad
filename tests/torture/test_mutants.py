"""Each fault notices the mutants that it is for: a proof that never fails proves nothing."""
import pytest

import faults
import mutants
from harness import BUILD
from lab import TREE


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_can_be_made(mutant):
    for file, old, _ in mutant.places():
        assert (TREE / file).read_text().count(old) == 1, f"{file} has changed"


@pytest.mark.parametrize(
    "mutant", [m for m in mutants.MUTANTS if m.noticed_by in faults.FAULTS], ids=lambda m: m.name)
def test_mutant_is_noticed(mutant, tmp_path):
    broken = mutants.build(mutant, tmp_path, BUILD)
    look = faults.FAULTS[mutant.noticed_by].look
    # Where one batch ends and the next begins is different each time, and so is what a fault meets.
    assert any(look(broken) for _ in range(5))
