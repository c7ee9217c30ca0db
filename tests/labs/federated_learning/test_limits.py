"""Every parameter has a limit, both ends are allowed, and a refusal is one line."""

import re

import pytest

from labs.federated_learning import limits, partitions


@pytest.mark.parametrize("name", limits.RANGES)
def test_both_ends_are_allowed_and_no_more(name):
    low, high = limits.RANGES[name]
    limits.check(**{name: low})
    limits.check(**{name: high})
    for value in (low - 1, high + 1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=re.escape(f"{name} is {value:g}; give a")) as raised:
            limits.check(**{name: value})
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", limits.CHOICES)
def test_choices_are_named_where_another_is_given(name):
    for choice in limits.CHOICES[name]:
        limits.check(**{name: choice})
    with pytest.raises(ValueError, match=f"{name} is 'else'; give one of ") as raised:
        limits.check(**{name: "else"})
    assert all(choice in str(raised.value) for choice in limits.CHOICES[name])


def test_what_counts_things_is_whole_and_shares_need_not_be():
    limits.check(alpha=0.3, fraction=0.25, mu=0.01, clients=20.0)
    with pytest.raises(ValueError, match=r"clients is 2\.5; give a whole number from 2"):
        limits.check(clients=2.5)


def test_every_partition_on_offer_can_be_dealt():
    import numpy as np

    for kind in limits.CHOICES["partition"]:
        parts = partitions.deal_labels(np.arange(40) % 4, kind, clients=4, alpha=1.0, seed=0)
        assert len(parts) == 4
