"""The stand-in of exercise 2.14 against a plain loop."""

from hypothesis import given
from hypothesis import strategies as st

from labs.gpu_training.checks.energy_target import expected_looks
from labs.gpu_training.given import energy_target

LOOKS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=12)


@given(looks=LOOKS, target=st.integers(0, 40), window=st.sampled_from([1, 2, 4]))
def test_it_finds_the_first_mean_that_is_low_enough(looks, target, window):
    # Whole numbers and windows of a power of two, so that every mean is exact.
    losses, energies_j = ([float(each[i]) for each in looks] for i in (0, 1))
    want = expected_looks(losses, target=target, window=window)
    got = energy_target.energy_to_target(losses, energies_j, target, window)
    assert got == (None if want is None else (want, sum(energies_j[:want])))
