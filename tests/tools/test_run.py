"""tests/run itself: it must see each way in which a test can fail."""
import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
PROGRAM = r"""
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
static void passes(void **state) { (void)state; }
static void fails(void **state) { (void)state; assert_int_equal(1, 2); }
static void is_skipped(void **state) { (void)state; skip(); }
static void ends_it_all(void **state) { (void)state; _Exit(0); }
int main(void)
{
    const struct CMUnitTest tests[] = {TESTS};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
"""
PYTEST = """
import pytest
def test_passes(): pass
def test_fails(): assert 1 == 2
@pytest.mark.skip
def test_is_skipped(): pass
@pytest.fixture
def broken(): assert 0
def test_cannot_begin(broken): pass
"""


@pytest.fixture(scope="module")
def runner():
    loader = importlib.machinery.SourceFileLoader("runner", str(TREE / "tests" / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
    sys.modules["runner"] = module
    loader.exec_module(module)
    return module


def program(folder, *tests):
    (folder / "p.c").write_text(PROGRAM)
    listed = ",".join(f"cmocka_unit_test({name})" for name in tests)
    subprocess.run(["gcc", f"-DTESTS={listed}", "-o", folder / "p", folder / "p.c", "-lcmocka"],
                   check=True)
    return folder / "p"


def test_cmocka_tests_are_counted(runner, tmp_path):
    report = runner.cmocka(program(tmp_path, "passes", "fails", "is_skipped", "passes"))
    assert (report.passed, report.skipped) == (2, 1)
    assert [name for name, _ in report.failures] == ["fails"]
    assert "1 != 2" in report.failures[0][1].replace("0x", "")


def test_cmocka_program_that_ends_early_has_failed(runner, tmp_path):
    assert runner.cmocka(program(tmp_path, "passes", "ends_it_all")).failures


def test_program_that_says_nothing_has_failed(runner):
    assert runner.cmocka("/bin/true").failures


def test_pytest_tests_are_counted(runner, tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text(PYTEST)
    report = runner.pytest(path, "build")
    assert (report.passed, report.skipped) == (1, 1)
    assert [name for name, _ in report.failures] == ["test_fails", "test_cannot_begin"]


def test_pytest_file_that_cannot_be_read_has_failed(runner, tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text("import nothing_of_that_name\n")
    assert runner.pytest(path, "build").failures


def test_pytest_file_without_tests_has_failed(runner, tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text("")
    assert runner.pytest(path, "build").failures


def test_check_passes_fails_or_cannot_be_made(runner):
    assert runner.check(["true"]).passed == 1
    assert runner.check(["sh", "-c", "exit 77"]).skipped == 1
    (name, said), = runner.check(["sh", "-c", "echo why; exit 3"]).failures
    assert said == "why\n"


def test_what_hangs_is_stopped(runner, monkeypatch):
    monkeypatch.setattr(runner, "JOB_TIMEOUT_S", 0.2)
    (name, said), = runner.check(["sh", "-c", "echo begun; exec sleep 60"]).failures
    assert "begun" in said and "stopped after" in said


def test_what_takes_long_is_run_where_that_is_asked_for(runner):
    def names(built, thorough):
        return {name for name, *_ in runner.jobs_of(built, thorough)}

    swift, thorough = names(["plain", "san"], False), names(["plain", "san"], True)
    assert {"test_ingest (san)", "store/test_crash (plain)", "store/test_crash (san)",
            "torture/test_mutants", "check_unit"} <= swift
    assert thorough - swift == {"torture/test_noticed"} | {
        f"{path.stem} (plain)" for path in runner.sources("broker/test_*.py")}
    assert "test_ingest (cov)" in names(["cov"], False)
