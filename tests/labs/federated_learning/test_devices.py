"""Simulated devices: the distributions they are said to have, and traces that follow from seeds."""

import numpy as np
import pytest

from labs.federated_learning import devices


def test_speeds_are_log_normal_around_the_constant():
    fleet = devices.draw(20_000, spread=0.8, seed=1)
    logs = np.log(fleet.sample_s / devices.SAMPLE_S)
    # Mean and spread of 20,000 draws: within 5 standard errors.
    assert abs(logs.mean()) < 5 * 0.8 / np.sqrt(20_000)
    assert abs(logs.std() - 0.8) < 5 * 0.8 / np.sqrt(40_000)
    sending = np.log(fleet.bandwidth_bytes_per_s)
    assert np.corrcoef(logs, sending)[0, 1] < -0.9


def test_without_spread_all_are_alike():
    fleet = devices.draw(5, spread=0.0, seed=0)
    assert set(fleet.sample_s) == {devices.SAMPLE_S}
    assert set(fleet.bandwidth_bytes_per_s) == {devices.BANDWIDTH_BYTES_PER_S}
    assert fleet.duration_s(2, samples=30, size_bytes=4000) == pytest.approx(
        30 * devices.SAMPLE_S + 4000 / devices.BANDWIDTH_BYTES_PER_S
    )
    assert len(fleet) == 5


@pytest.mark.parametrize("spread", [-0.1, float("nan"), float("inf")])
def test_a_spread_that_is_none(spread):
    with pytest.raises(ValueError, match="spread is"):
        devices.draw(3, spread=spread, seed=0)


def test_a_fleet_follows_from_its_seed():
    fleets = [devices.draw(50, spread=1.0, seed=seed) for seed in (3, 3, 4)]
    assert np.array_equal(fleets[0].sample_s, fleets[1].sample_s)
    assert np.array_equal(fleets[0].online, fleets[1].online)
    assert not np.array_equal(fleets[0].online, fleets[2].online)


def test_phones_change_state_as_often_as_the_constants_say():
    online = devices.availability(20_000, hours=16, seed=2)
    before, after = online[:, 13], online[:, 14]  # hour 14 is in the day, before a full battery
    stays_off = 1 - after[~before].mean()
    assert abs(stays_off - devices.STAY_OFF) < 5 * np.sqrt(0.09 / (~before).sum())
    stays_on = after[before].mean()  # a few of these have to charge
    assert devices.STAY_ON - 0.08 < stays_on < devices.STAY_ON + 0.05


def test_no_phone_is_online_longer_than_its_battery():
    online = devices.availability(2_000, hours=72, seed=0)
    run = np.zeros(2_000)
    longest = 0.0
    for hour in online.T:
        run = np.where(hour, run + 1, 0)
        longest = max(longest, run.max())
    assert longest == devices.FULL_HOURS


def test_traces_start_again_and_are_asked_by_the_hour():
    online = np.array([[True, False], [True, True]])
    fleet = devices.Fleet(np.ones(2), np.ones(2), online)
    assert fleet.is_online(3599.0).tolist() == [True, True]
    assert fleet.is_online(3600.0).tolist() == [False, True]
    assert fleet.is_online(2 * 3600.0).tolist() == [True, True]
    assert fleet.stays(0, from_s=0, to_s=3599)
    assert not fleet.stays(0, from_s=0, to_s=3601)
    assert fleet.stays(1, from_s=0, to_s=1e6)


def test_the_slowest_device_goes_to_the_highest_rank():
    fleet = devices.draw(30, spread=1.0, seed=0)
    rank = np.random.default_rng(0).permutation(30)
    dealt = devices.slowest_last(fleet, rank)
    assert (np.diff(dealt.sample_s[np.argsort(rank)]) >= 0).all()
    assert sorted(dealt.sample_s) == sorted(fleet.sample_s)
    at = int(np.argmax(fleet.sample_s))
    assert np.array_equal(dealt.online[np.argmax(rank)], fleet.online[at])
