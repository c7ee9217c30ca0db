"""Settings of a sweep: grids, lists and draws, and everything that is refused in one line."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.engine.errors import ParameterError, UsageError
from labs.engine.parameters import parse_parameters
from labs.engine.sweeps import settings
from labs.engine.sweeps.settings import Range, Values

DECLARED = parse_parameters(
    'alpha = 0.3  # of Dirichlet\nclients = 20\nstrategy = "fedavg"\nwidths = [8]\nseed = 5\n'
    "is_fast = True\n"
)


def parse(text):
    return settings.parse_axis(text, DECLARED)


def test_values_are_typed_by_the_notebook():
    assert parse("alpha=0.1, 1") == Values("alpha", (0.1, 1.0))
    assert parse("strategy=fedavg,fedprox").values == ("fedavg", "fedprox")
    assert parse("is_fast=true,false").values == (True, False)
    assert parse("widths=[8, 16],[4]").values == ([8, 16], [4])


def test_ranges():
    assert parse("clients=10..50") == Range("clients", 10, 50)
    assert parse("alpha=0.01..1:log") == Range("alpha", 0.01, 1.0, is_log=True)
    assert parse("strategy=a..b").values == ("a..b",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha", "'alpha' is no axis; write name=value,value"),
        ("=3", "'=3' is no axis"),
        ("alpha=", "'alpha=' is no axis"),
        ("alhpa=1", "no parameter 'alhpa'; did you mean 'alpha'?"),
        ("clients=0.5", "parameter clients = '0.5' is not of type int"),
        ("clients=3,4,3", "axis clients has 3 twice; give it once"),
        ("alpha=1,1.0", "axis alpha has 1.0 twice"),
        ("alpha=1..0", "1.0 is not below 0.0; write the lower end first"),
        ("alpha=0..1:log", "0.0 has no logarithm; begin above 0"),
        ("alpha=0..1:lin", "'lin' is no way to draw; write log, or nothing"),
        ("alpha=..1", "parameter alpha = '' is not of type float"),
    ],
)
def test_axes_that_cannot_be(text, message):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_grid_has_every_combination_once():
    found = settings.grid([parse("alpha=0.1,1"), parse("clients=5,6,7")])
    assert len(found) == 6
    assert found[:2] == [{"alpha": 0.1, "clients": 5}, {"alpha": 0.1, "clients": 6}]
    settings.check_distinct(found)
    assert settings.grid([]) == [{}]


def test_a_grid_has_no_ranges_and_no_name_twice():
    with pytest.raises(UsageError, match=r"alpha is a range, which a grid cannot have; .*--draws"):
        settings.grid([parse("alpha=0..1")])
    with pytest.raises(UsageError, match="alpha is an axis twice; put all its values into one"):
        settings.grid([parse("alpha=1"), parse("alpha=2")])


@given(st.integers(0, 2**31), st.booleans(), st.integers(1, 9))
def test_draws_stay_in_range_and_repeat(seed, is_log, low):
    axis = Range("clients", low, low + 40, is_log=is_log)
    drawn = [axis.draw(random.Random(seed)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert low <= drawn[0] <= low + 40
    assert isinstance(drawn[0], int)
    part = Range("alpha", low / 10, low + 0.5, is_log=is_log).draw(random.Random(seed))
    assert low / 10 <= part <= low + 0.5


def test_draws_differ_and_depend_on_the_seed():
    axes = [parse("clients=2..1000"), parse("strategy=a,b")]
    found = settings.drawn(axes, 50, seed=1)
    settings.check_distinct(found)
    assert len(found) == 50
    assert found == settings.drawn(axes, 50, seed=1) != settings.drawn(axes, 50, seed=2)
    # A longer draw begins with the shorter one, so that a sweep can be made larger.
    assert settings.drawn(axes, 80, seed=1)[:50] == found


def test_draws_that_cannot_be():
    with pytest.raises(UsageError, match="only 2 different settings in 300 draws; ask for fewer"):
        settings.drawn([parse("strategy=a,b")], 3)
    with pytest.raises(UsageError, match="0 settings of 1 axes; draw one at least"):
        settings.drawn([parse("strategy=a,b")], 0)


def test_a_list_in_csv(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text('alpha, widths,strategy\n0.5,"[1, 2]",\n1,4,fedprox\n', encoding="utf-8-sig")
    assert settings.listed(path, DECLARED) == [
        {"alpha": 0.5, "widths": [1, 2]},
        {"alpha": 1.0, "widths": [4], "strategy": "fedprox"},
    ]


def test_a_list_in_toml(tmp_path):
    path = tmp_path / "some.toml"
    path.write_text('[[settings]]\nalpha = 1\n[[settings]]\nstrategy = "x"\n')
    assert settings.listed(path, DECLARED) == [{"alpha": 1.0}, {"strategy": "x"}]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "", "is no list of settings; give a .csv or a .toml file"),
        ("a.csv", "alpha\n", "has no setting"),
        ("a.csv", "alpha\n1\nx\n", "a.csv, setting 2: parameter alpha = 'x'"),
        ("a.csv", "alpha,beta\n1,2\n", "a.csv, setting 1: no parameter 'beta'"),
        ("a.csv", "alpha,widths\n1,2,3\n", "a.csv, line 2: not as many fields as names"),
        ("a.csv", "alpha,widths\n1\n", "a.csv, line 2: not as many fields as names"),
        ("a.toml", "alpha = ", "is no TOML"),
        ("a.toml", "settings = 3", "has no tables [[settings]]"),
        ("a.toml", "[[settings]]\nalpha = true", "a.toml, setting 1: parameter alpha = True"),
    ],
)
def test_lists_that_cannot_be(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.listed(path, DECLARED)
    assert message in str(caught.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        settings.listed(tmp_path / "none.csv", DECLARED)


def test_seeds_count_up_from_the_notebooks():
    found = settings.with_seeds([{"alpha": 1.0}, {}], 2, declared=DECLARED)
    assert [each["seed"] for each in found] == [5, 6, 5, 6]
    assert found[0] == {"alpha": 1.0, "seed": 5}


def test_seeds_that_cannot_be():
    for given_, count, declared, message in (
        ([{}], 0, DECLARED, "0 seeds; give 1 or more"),
        ([{"seed": 1}], 2, DECLARED, "seed is a parameter of the settings already"),
        ([{}], 2, parse_parameters("a = 1"), "no parameter seed"),
        ([{}], 2, parse_parameters("seed = [1]"), "no parameter seed"),
    ):
        with pytest.raises(UsageError, match=message):
            settings.with_seeds(given_, count, declared=declared)


def test_settings_that_occur_twice():
    with pytest.raises(UsageError, match=r"settings 1 and 3 are the same \(alpha=1.0\); keep one"):
        settings.check_distinct([{"alpha": 1.0}, {"alpha": 2.0}, {"alpha": 1.0}])
    with pytest.raises(UsageError, match=r"the same \(the defaults\)"):
        settings.check_distinct([{}, {}])


def test_wrong_types_are_parameter_errors():
    with pytest.raises(ParameterError):
        parse("clients=many")
