"""Compiled forests answer as scikit-learn does, bit for bit, whatever forest and rows are."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from labs.seminar.inference_performance import layouts, trees
from labs.seminar.inference_performance.c_trees import LAYOUTS, forest_source
from labs.seminar.inference_performance.compiled import compile_forests
from labs.seminar.inference_performance.fixed_point import fixed_point
from labs.seminar.inference_performance.given import framed_order, if_else
from labs.seminar.inference_performance.keys import Keys

NUMBERS = {
    "few": lambda rng, shape: rng.integers(-2, 3, shape) / 4,
    "whole": lambda rng, shape: rng.integers(0, 17, shape),
    "normal": lambda rng, shape: rng.normal(0, 1, shape),
    "tenths": lambda rng, shape: rng.integers(-9, 10, shape) / 10,
    "extreme": lambda rng, shape: rng.normal(0, 1, shape) * 10.0 ** rng.integers(-6, 38, shape),
    "zeros": lambda rng, shape: rng.choice([-0.0, 0.0, 1e-3, -1e-3], shape),
}


@st.composite
def fitted(draw):
    """A fitted forest with rows, many of them at thresholds or one float32 beside."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    shape = draw(st.integers(4, 40)), draw(st.integers(1, 5))
    data = NUMBERS[draw(st.sampled_from(sorted(NUMBERS)))](rng, shape).astype(np.float32)
    data = np.vstack([data, data[: draw(st.integers(0, 4))]])  # duplicates, with classes of theirs
    classes = rng.integers(0, draw(st.integers(2, 5)), len(data))
    kind = draw(st.sampled_from([RandomForestClassifier, ExtraTreesClassifier]))
    model = kind(
        draw(st.integers(1, 7)),
        max_depth=draw(st.sampled_from([1, 2, 4, None])),
        random_state=int(rng.integers(1000)),
    ).fit(data, classes)
    rows = rng.choice(data.reshape(-1), (30, shape[1]))
    for tree in trees.from_sklearn(model):
        for node in np.flatnonzero(tree["feature"] >= 0):
            near = np.float32(tree["threshold"][node])
            sides = np.float32([np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf)])
            picked = rng.choice(len(rows), 3)
            rows[picked, tree["feature"][node]] = [near, *sides]
    return model, rows


def bits(scores):
    return np.ascontiguousarray(scores, dtype=np.float64).view(np.int64)


def own(layout):
    return framed_order if layout == "framed" else None


def texts_of(forest, *, keys, values=("double", "fixed")):
    kinds = itertools.product(LAYOUTS, keys, values)
    return [
        forest_source(forest, layout, keys=key, values=value, own=own(layout), prefix=f"f{number}_")
        for number, (layout, key, value) in enumerate(kinds)
    ]


def assert_fixed(compiled, forest, *, rows, exact):
    """Compare scores in fixed point with sums made here, and with the promised bound."""
    shift = compiled.text.shift
    sums = sum(fixed_point(t["values"], shift)[trees.leaves_of(t, rows)] for t in forest)
    scores = compiled.scores(rows)
    assert np.array_equal(scores, sums / 2.0**shift / len(forest))
    bound = 2.0 ** -(shift + 1)
    # The mean in float64 is itself rounded, by far less than a millionth of the bound.
    assert np.abs(scores - exact).max() <= bound * (1 + 1e-6)
    assert np.array_equal(compiled.classes(rows), sums.argmax(axis=1))
    ranked = np.sort(np.insert(exact, 0, -1.0, axis=1), axis=1)  # there may be one class alone
    is_clear = ranked[:, -1] - ranked[:, -2] > 2 * bound * (1 + 1e-6)
    assert np.array_equal(compiled.classes(rows)[is_clear], exact.argmax(axis=1)[is_clear])


@given(case=fitted())
@settings(max_examples=12)
def test_every_layout_equals_scikit_learn(case):
    model, rows = case
    forest, want = trees.from_sklearn(model), model.predict_proba(rows)
    texts = texts_of(forest, keys=(Keys(), Keys("float32")))
    student = forest_source(forest, "if-else", own=if_else, prefix="student_")
    for compiled in compile_forests([*texts, student]):
        if compiled.text.shift is None:
            assert np.array_equal(bits(compiled.scores(rows)), bits(want))
            answers = model.classes_[compiled.classes(rows)]
            assert np.array_equal(answers, model.predict(rows))
        else:
            assert_fixed(compiled, forest, rows=rows, exact=want)


@given(case=fitted())
@settings(max_examples=80)
def test_keys_and_orders_decide_as_scikit_learn_without_a_compiler(case):
    model, rows = case
    forest = trees.from_sklearn(model)
    assert np.array_equal(bits(trees.scores(forest, rows)), bits(model.predict_proba(rows)))
    for keys in (Keys(), Keys("float32")):
        coded = keys.of_rows(rows)
        for tree, keyed in zip(forest, keys.of_forest(forest), strict=True):
            want = trees.leaves_of(tree, rows)
            leaves = np.flatnonzero(tree["feature"] < 0)
            for order in (layouts.depth_first(keyed), framed_order(keyed, keys.nodes_per_line)):
                got = layouts.laid_out(keyed, order).walk(coded)[0]
                assert np.array_equal(leaves[got], want)


def test_small_keys_compare_whole_steps_in_every_layout():
    rng = np.random.default_rng(2)
    data = rng.integers(0, 256, (80, 3)).astype(np.float32)
    model = RandomForestClassifier(5, random_state=0).fit(data, data.sum(axis=1) > 380)
    forest = trees.from_sklearn(model)
    floored = [t | {"threshold": np.floor(t["threshold"] / 3)} for t in forest]
    want = trees.scores(floored, np.floor(data / 3))
    for compiled in compile_forests(texts_of(forest, keys=(Keys("small", 3.0),))):
        if compiled.text.shift is None:
            assert np.array_equal(bits(compiled.scores(data)), bits(want))
            assert np.array_equal(compiled.classes(data), want.argmax(axis=1))
        else:
            assert_small(compiled, floored, data=data, exact=want)


def assert_small(compiled, floored, *, data, exact):
    shift = compiled.text.shift
    rows = np.floor(data / 3)
    sums = sum(fixed_point(t["values"], shift)[trees.leaves_of(t, rows)] for t in floored)
    assert np.array_equal(compiled.classes(data), sums.argmax(axis=1))
    assert np.abs(compiled.scores(data) - exact).max() <= 2.0 ** -(shift + 1) * (1 + 1e-6)


def leaf(*shares):
    none = np.array([-1])
    return {
        "feature": none,
        "threshold": np.zeros(1),
        "left": none,
        "right": none,
        "values": np.array([shares]),
        "samples": np.array([9]),
    }


def test_trees_that_are_single_leaves_and_equal_scores():
    """Of equal scores the first class wins; 1/3 has no exact form in fixed point."""
    rows = np.zeros((2, 1), dtype=np.float32)
    forest = [leaf(1 / 3, 1 / 3, 1 / 3), leaf(0.0, 0.5, 0.5), leaf(0.0, 0.0, 0.0)]
    for compiled in compile_forests(texts_of(forest, keys=(Keys(), Keys("small", 1.0)))):
        assert compiled.text.features == 1
        assert compiled.classes(rows).tolist() == [1, 1]
        if compiled.text.shift is None:
            assert np.array_equal(bits(compiled.scores(rows)), bits(trees.scores(forest, rows)))


def test_more_columns_than_the_trees_look_at_and_calls_of_another_form():
    rng = np.random.default_rng(0)
    data = rng.normal(0, 1, (40, 3))
    model = RandomForestClassifier(3, random_state=1).fit(data, data[:, 0] > 0)
    (compiled,) = compile_forests([forest_source(trees.from_sklearn(model), "native")])
    wide = np.hstack([data, np.full((40, 2), 7.0)])
    assert np.array_equal(compiled.scores(wide), model.predict_proba(data))
    assert compiled.classes(wide[:0]).shape == (0,)
    with pytest.raises(ValueError, match="or more"):
        compiled.classes(data[:, :1])
    for wrong in (data.astype(np.float32), compiled.text.encode(data)[::2], np.zeros((2, 9), "i4")):
        with pytest.raises(ValueError, match="encode them first"):
            compiled.classes_of(wrong)
    with pytest.raises(ValueError, match="same prefix"):
        compile_forests([compiled.text, compiled.text])
