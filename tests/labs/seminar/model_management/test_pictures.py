"""The picture of the tree and the explorer of chains: the data that they draw."""

from course_utils import plots
from labs.seminar.model_management import fingerprints, given, pictures
from labs.seminar.model_management.plan_explorer import SnapshotPlans


def test_the_tree_draws_what_differs():
    old = fingerprints.merkle_levels(list("abcde"))
    new = fingerprints.merkle_levels(list("abcxe"))
    _, axes = plots.new_figure(wide=True)
    differ = pictures.tree(axes, old, new=new, asked=[(3, 0), (2, 0), (2, 1)])
    assert sorted(differ) == [(0, 3), (1, 1), (2, 0), (3, 0)]
    assert axes.get_title() == "3 of 11 hashes asked for"


def test_the_explorer_shows_the_plans_of_a_function():
    plans = SnapshotPlans(given.chain_plan, full_mb=100, changed_percent=10, models=6)
    points = plans.points(100, 10, models=6)
    # Of 6 models every 1st, 2nd, 4th or 6th is a snapshot of 100 MB; updates hold 10 MB.
    assert [(name, x.value, y.value) for name, x, y in points] == [
        ("every 1", 600, 100),
        ("every 2", 330, 110),
        ("every 4", 240, 130),
        ("every 6", 150, 150),
    ]
    assert {x.kind for _, x, _ in points} == {"modelled"}
    picture = plans.picture(100, 10, models=6)
    assert "every 6: 150 MB stored, 150 read" in picture.alt
