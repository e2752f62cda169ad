"""Each fault notices the mutants that it is for: a proof that never fails proves nothing."""
import pytest

import faults
import mutants
from harness import BUILD


@pytest.mark.parametrize(
    "mutant", [m for m in mutants.MUTANTS if m.noticed_by in faults.FAULTS], ids=lambda m: m.name)
def test_mutant_is_noticed(mutant, tmp_path):
    broken = mutants.build(mutant, tmp_path, BUILD)
    look = faults.FAULTS[mutant.noticed_by].look
    # Where one batch ends and the next begins is different each time, and so is what a fault meets.
    assert any(look(broken) for _ in range(5))
