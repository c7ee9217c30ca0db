"""Sweeps over memory: chains that visit everything, sizes, and both ways to time them."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.engine.errors import ExtraMissingError
from labs.seminar.ml_systems_metrics import hierarchy
from labs.seminar.ml_systems_metrics.published import LATENCY_NS


@given(lines=st.integers(1, 300), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_chain_is_one_cycle_through_every_line(lines, seed):
    chain = hierarchy.random_cycle(lines, rng=np.random.default_rng(seed))
    at, seen = 0, []
    for _ in range(lines):
        seen.append(at)
        at = int(chain[at])
    assert at == 0
    assert sorted(seen) == list(range(0, 16 * lines, 16))


def test_the_compiled_loops_compute_what_their_comment_says():
    library = hierarchy._library()
    if library is None:
        pytest.skip("no C compiler here")
    chain = hierarchy.random_cycle(50, rng=np.random.default_rng(1))
    at = 0
    for _ in range(37):
        at = int(chain[at])
    _, step = hierarchy._chaser()
    assert step(chain, 37) == at
    data = np.arange(64, dtype=np.int32)
    _, add = hierarchy._adder()
    # 20 steps of 7 over 64 numbers, round and round.
    assert add(data, 20, 7) == sum(7 * i % 64 for i in range(20))


def test_working_sets_are_whole_lines_and_double_every_four():
    sizes = hierarchy.working_sets(8)
    assert sizes[0] == 4096
    assert sizes[-1] == 8 * 1024**2
    assert all(size % 64 == 0 for size in sizes)
    assert [sizes[i + 4] for i in range(0, 40, 4)] == [2 * sizes[i] for i in range(0, 40, 4)]
    with pytest.raises(ValueError, match="largest_mib is 0"):
        hierarchy.working_sets(0)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_sweep_has_a_positive_sample_for_every_size_and_repeat(compiled):
    rng = np.random.default_rng(0)
    curve = hierarchy.sweep_sizes([4096, 65536], repeats=6, rng=rng, compiled=compiled)
    assert curve.samples_ns.shape == (2, 6)
    assert (curve.samples_ns > 0).all()
    assert curve.is_fallback == (not compiled or hierarchy._library() is None)
    assert [r.low <= r.value <= r.high for r in curve.results] == [True, True]
    assert curve.fastest_ns == curve.samples_ns.min(axis=1).tolist()
    strides = hierarchy.sweep_strides([4, 64], repeats=6, rng=rng, compiled=compiled)
    assert strides.samples_ns.shape == (2, 6)


def test_without_zig_the_systems_compiler_is_taken_and_without_that_numpy(monkeypatch):
    def missing(*_, **__):
        raise ExtraMissingError("not installed")

    monkeypatch.setattr(hierarchy, "HostLibrary", missing)
    hierarchy._library.cache_clear()
    try:
        found = hierarchy._library()
        assert found is None or (isinstance(found[1], ctypes.CDLL) and "cc" in found[0])
        monkeypatch.setattr(hierarchy.shutil, "which", lambda _: None)
        hierarchy._library.cache_clear()
        assert hierarchy._library() is None
        assert hierarchy._chaser()[0] == hierarchy.FALLBACK
        assert hierarchy._adder()[0] == hierarchy.FALLBACK
    finally:
        hierarchy._library.cache_clear()


def test_the_caches_that_linux_reports(tmp_path):
    for name, level, kind, size in (
        ("index0", 1, "Data", "48K"),
        ("index1", 1, "Instruction", "32K"),
        ("index2", 2, "Unified", "1024K"),
    ):
        (tmp_path / name).mkdir()
        for file, text in (("level", level), ("type", kind), ("size", size)):
            (tmp_path / name / file).write_text(f"{text}\n")
    assert hierarchy.reported_caches(tmp_path) == {"L1": 48 * 1024, "L2": 1024**2}
    assert hierarchy.reported_caches(tmp_path / "nowhere") == {}


def test_the_famous_list_does_not_agree_with_its_own_ratio():
    """The list of about 2009 says "20x L2 cache" beside 100 ns; 100 / 7 is 14."""
    memory = hierarchy.Result(80.0, 70.0, 90.0, n=9, kind="measured")
    levels = [(32768, 1.25), (1048576, 4.0), (2**25, 20.0)]
    rows = hierarchy.table_beside(LATENCY_NS, levels, memory=memory)
    assert rows[0]["memory / L2"] == pytest.approx(100 / 7)
    assert rows[1]["memory / L2"] == pytest.approx(25)
    assert (rows[2]["L1"], rows[2]["L2"], rows[2]["memory / L2"]) == (1.25, 4.0, 20.0)
    assert hierarchy.table_beside(LATENCY_NS, [], memory=memory)[2]["L2"] == "none found"


def test_a_cache_without_a_size_is_left_out(tmp_path):
    for index, files in enumerate((("level", "type"), ("level", "type", "size"))):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name in files:
            text = {"level": "2", "type": "Unified", "size": "512K"}[name]
            (folder / name).write_text(text + "\n", encoding="ascii")
    assert hierarchy.reported_caches(tmp_path) == {"L2": 512 * 1024}


@pytest.mark.parametrize("largest_mib", [0, -4, 3, 48])
def test_a_largest_set_that_is_no_power_of_two_is_refused(largest_mib):
    with pytest.raises(ValueError, match=f"largest_mib is {largest_mib}; give a power of two"):
        hierarchy.working_sets(largest_mib)
