"""Hostile input: every seed and regression, and some seconds of fuzzing each, two at a time."""
from concurrent.futures import ThreadPoolExecutor

import pytest

import hostile
from harness import BUILD

SECONDS = 5


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Outcomes by target; half of the machine's other half is the other tests'."""
    hostile.make(BUILD)
    folder = tmp_path_factory.mktemp("fuzz")
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(lambda target: hostile.fuzz(BUILD, target, folder, SECONDS),
                            hostile.TARGETS)
        return dict(zip(hostile.TARGETS, outcomes))


@pytest.mark.parametrize("target", hostile.TARGETS)
def test_no_input_is_found_that_breaks_a_promise(target, runs):
    run, findings = runs[target]
    assert not findings, run.log[-8000:]
    assert "stat::number_of_executed_units" in run.log
    assert run.cpu_s > 0


@pytest.mark.parametrize("target", hostile.TARGETS)
def test_each_target_has_seeds(target):
    assert len(list(hostile.seeds(target))) >= 4


def test_an_input_that_ends_the_program_is_a_finding_with_its_file(tmp_path):
    run = hostile.Run("guard", 77, 0.1, "==1== ERROR: AddressSanitizer: heap-buffer-overflow")
    (tmp_path / "guard-crash-1").write_bytes(b"x")
    assert hostile.findings_of(run, tmp_path) == [
        "guard: exit status 77, guard-crash-1: ==1== ERROR: AddressSanitizer: heap-buffer-overflow"]
