"""Each group of rows can be measured, and finds what it checks in order. What comes out is not
looked at: it depends on the machine."""
import json
import os
import subprocess

import bench
import measure
import plot
import pytest
from row import Curve, Row, as_table

BUILD = os.environ.get("REEL_BUILD", "build")


@pytest.mark.parametrize("name", bench.groups())
def test_each_group_of_rows_runs(name, tmp_path):
    rows, curves = bench.measure(bench.Bench(BUILD, tmp_path, quick=True), [name], True)
    assert rows
    for row in rows:
        assert isinstance(row, Row)
        assert row.what and row.target and row.measured and row.figures
    for curve in curves:
        assert isinstance(curve, Curve)
        assert curve.series and all(curve.series.values())
    assert not list(tmp_path.iterdir())


def allocations(folder, fragments, *options):
    """How often the sink asks for memory while it takes so many in."""
    program = bench.Bench(BUILD, folder, quick=True).program("replay")
    capture = folder / f"capture-{fragments}"
    subprocess.run([program, "--capture", capture, "1", str(fragments), "640"], check=True)
    told = subprocess.run([program, capture, folder, "1", "--only", "sink", *options], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return json.loads(told)["allocations"]


@pytest.mark.parametrize("options", [(), ("--reply", "reel/v1/reply/mic0/me")])
def test_a_further_fragment_of_a_recording_asks_for_no_memory(tmp_path, options):
    few, many = (allocations(tmp_path, fragments, *options) for fragments in (400, 8400))
    assert many - few < 8000 / 10  # of a batch more, where the machine is slow


def test_the_table_names_what_falls_short():
    rows = [Row("speed", "at least 1", "1.2", True), Row("size", "at most 2", "2.5", False)]
    assert as_table(rows).splitlines()[2:] == [
        "| speed | at least 1 | 1.2 | yes |", "| size | at most 2 | 2.5 | **no** |"]


def test_a_ratio_is_of_each_round_and_a_share_is_of_the_ordered():
    assert measure.ratio([2, 9, 4], [1, 3, 4]) == (2, 1, 3)
    assert measure.share([5, 1, 4, 2, 3], 0.5) == 3
    assert measure.share(range(101), 0.99) == 99


def test_who_is_first_changes_from_round_to_round():
    order = []
    contestants = {name: lambda name=name: order.append(name) or name for name in "abc"}
    results = measure.alternate(3, contestants)
    assert "".join(order) == "abcbcacab"
    assert results == {name: [name] * 3 for name in "abc"}


def test_a_curve_is_plotted(tmp_path):
    curve = Curve("cost", "Cost", "recordings", "us", {"ours": [(1, 2), (10, 3)], "null": [(1, 1)]})
    assert plot.save(curve, tmp_path).read_bytes().startswith(b"\x89PNG")
