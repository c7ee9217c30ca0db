"""codecarbon as a cross-check: offline, silent, and its own arithmetic as an oracle for ours."""

import logging
import os
import subprocess
import sys
import time

import pytest

from course_utils import carbon, energy
from course_utils.errors import MeasurementError


def burn():
    end_s = time.process_time() + 0.3
    while time.process_time() < end_s:
        pass


def test_codecarbon_is_offline_silent_and_writes_nothing(tmp_path, monkeypatch, capfd, no_network):
    """Even where the user's own configuration asks for all that, and for other numbers."""
    monkeypatch.chdir(tmp_path)
    plain, _ = energy.codecarbon_energy(burn, country="DEU")
    for name, value in {
        "emissions_endpoint": "http://localhost:1",
        "electricitymaps_api_token": "token",
        "save_to_file": "true",
        "output_methods": "csv",
        "log_level": "debug",
        "pue": "2",
        "force_cpu_power": "1000",
        "force_carbon_intensity_g_co2e_kwh": "1",
    }.items():
        monkeypatch.setenv(f"CODECARBON_{name.upper()}", value)

    reading, carbon_g = energy.codecarbon_energy(burn, country="Germany")
    assert list(tmp_path.iterdir()) == []
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert reading.tier == "modelled"
    assert reading.energy_j > 0
    assert reading.result().high == pytest.approx(1.4 * reading.energy_j)
    assert reading.parts["codecarbon CPU"].value < 0.3 * 1000 / 2  # not the power of the file
    # Memory draws a fixed power there: a PUE of 2 would double it (starting takes some ms of 300).
    memory_w, plain_w = (
        r.parts["codecarbon memory"].value / r.duration_s for r in (reading, plain)
    )
    assert 1 / 1.5 < memory_w / plain_w < 1.5
    # Its own arithmetic is an oracle for ours: same energy, same grid, same grams.
    grid = carbon.grid_intensity("DEU")
    ours_g = carbon.operational_carbon_g(reading.energy_j, grid.g_per_kwh)
    assert carbon_g == pytest.approx(ours_g, rel=1e-6)


def test_codecarbon_is_silent_from_its_first_import_on(tmp_path):
    """In a fresh interpreter: importing codecarbon sets the level of its logger anew."""
    code = (
        "from course_utils import energy; import logging;"
        "energy.codecarbon_energy(lambda: None, country='DEU');"
        "logging.getLogger('codecarbon').warning('heard again')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "CODECARBON_LOG_LEVEL": "debug"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.strip().endswith("heard again")
    assert "\n" not in done.stderr.strip()
    assert list(tmp_path.iterdir()) == []


def test_codecarbon_refuses_an_unknown_country_before_it_runs():
    with pytest.raises(MeasurementError, match="did you mean"):
        energy.codecarbon_energy(lambda: pytest.fail("ran"), country="Germny")


def test_an_error_in_the_call_passes_and_codecarbon_is_heard_again():
    with pytest.raises(ZeroDivisionError):
        energy.codecarbon_energy(lambda: 1 // 0, country="DEU")
    assert not logging.getLogger("codecarbon").disabled
