"""The sink killed at its system calls, and each of them failing once: a part of what make torture
meets one by one."""
import pytest

import calls
from harness import BUILD
from tracing import can_trace

pytestmark = pytest.mark.skipif(not can_trace(), reason="strace cannot attach here")


def assert_sound(jobs, numbers, at_least):
    reached, findings = calls.sweep(BUILD, jobs, numbers)
    assert not findings, "\n".join(findings)
    assert reached >= at_least, "the calls were not met: did the product change how it writes?"


def test_killed_at_its_calls_nothing_acknowledged_is_lost():
    assert_sound(calls.plan([calls.KILL], calls.PHASES[:3]), [1, 2, 3, 5, 8, 13, 34, 89], at_least=50)


def test_each_call_that_fails_once_is_put_right_without_a_false_acknowledgement():
    jobs = calls.plan(calls.ERRORS[:1], ("again", "work")) + [
        ("work", call, calls.ERRORS[1]) for call in ("pwrite64", "ftruncate", "mkdirat", "openat")]
    assert_sound(jobs, [1, 2, 5], at_least=30)


def test_lock_of_the_catalog_that_cannot_be_let_go_of_does_not_stay():
    """It is the process's: it stays for as long as any connection, the reader's too, is open."""
    assert_sound([("work", "fcntl", calls.ERRORS[0])] * 2, range(13, 16), at_least=5)


def test_failed_read_of_the_catalog_is_not_taken_for_damage_nor_its_memory_for_read_only():
    """SQLite does so; the audio that was sent again stood twice, or waited for more than 40 s."""
    jobs = [("reopen", call, calls.ERRORS[0]) for call in ("pread64", "openat")]
    assert_sound(jobs, [5, 6, 9, 10, 11], at_least=6)


def test_opening_that_is_refused_once_is_not_taken_for_a_closed_folder():
    """Read-only for a moment, it had the audio refused for good, as a folder's that is closed."""
    assert_sound([("work", "openat", calls.ERRORS[2])], range(1, 4), at_least=3)
