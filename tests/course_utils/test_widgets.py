"""Live meter: what it shows with and without a front end."""

import sys
import threading
import time

import pytest

from course_utils import widgets
from course_utils.errors import MeasurementError
from course_utils.records import Result

# Is anyone watching?


def test_without_a_kernel_nobody_watches(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "0")
    monkeypatch.setenv("JPY_SESSION_NAME", "lab.ipynb")
    assert not widgets.is_interactive()


def test_a_kernel_alone_is_no_front_end(shown):
    assert not widgets.is_interactive()


@pytest.mark.parametrize("who", ["jupyter", "colab", "vscode"])
def test_a_kernel_of_a_front_end_is_interactive_unless_told_otherwise(shown, monkeypatch, who):
    if who == "jupyter":
        monkeypatch.setenv("JPY_SESSION_NAME", "lab.ipynb")
    elif who == "colab":
        monkeypatch.setitem(sys.modules, "google.colab", object())
    else:
        shown.shell.user_ns["__vsc_ipynb_file__"] = "lab.ipynb"
    assert widgets.is_interactive()
    monkeypatch.setenv("COURSE_STATIC", "1")
    assert not widgets.is_interactive()


# Live meter


def test_outside_of_a_notebook_it_shows_nothing_and_still_meters(capfd):
    with widgets.live_meter("DEU", refresh_s=0.05) as meter:
        time.sleep(0.12)
    assert capfd.readouterr() == ("", "")
    assert meter.state == "done"
    assert meter.reading.duration_s >= 0.12
    assert meter.memory_bytes > 2**20
    grams = meter.carbon_result()
    expected_g = meter.reading.energy_j / 3.6e6 * 380.95
    assert grams.value == pytest.approx(expected_g, rel=1e-9)


def test_static_shows_once_at_the_end(shown):
    with widgets.live_meter(refresh_s=0.05) as meter:
        time.sleep(0.12)
        assert shown.calls == []
    ((view, text, is_update),) = shown.calls
    assert (view, text, is_update) == (meter, repr(meter), False)


def test_live_rewrites_one_output_and_leaves_the_last_state(shown, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "0")
    begin_s = time.perf_counter()
    with widgets.live_meter(refresh_s=0.05) as meter:
        while len(shown.calls) < 4 and time.perf_counter() - begin_s < 10:
            time.sleep(0.01)
    duration_s = time.perf_counter() - begin_s
    texts = [text for _, text, _ in shown.calls]
    assert texts[0] == "meter: starting"
    assert "meter: running" in texts[1]
    assert texts[-1] == repr(meter)
    assert texts[-1].startswith("meter: done; time: ")
    assert [is_update for *_, is_update in shown.calls] == [False, *[True] * (len(texts) - 1)]
    assert 4 <= len(texts) <= duration_s / 0.05 + 2  # never more often than asked for


def test_an_error_passes_and_stops_the_meter(shown, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "0")
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), widgets.live_meter(refresh_s=0.05) as meter:
        raise ZeroDivisionError
    assert threading.active_count() == before
    assert meter.state == "stopped by an error"
    assert shown.calls[-1][1].startswith("meter: stopped by an error; time: ")
    count = len(shown.calls)
    time.sleep(0.15)
    assert len(shown.calls) == count


def test_a_counter_that_fails_ends_the_refreshing_quietly(shown, monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "0")
    with widgets.live_meter(refresh_s=0.05) as meter:
        original, failed = widgets.energy.Meter.read, threading.Event()

        def fail(self):
            failed.set()
            raise MeasurementError("gone")

        monkeypatch.setattr(widgets.energy.Meter, "read", fail)
        assert failed.wait(10)
        monkeypatch.setattr(widgets.energy.Meter, "read", original)
    assert meter.state == "done"


def test_its_power_is_that_since_the_last_refresh_and_at_the_end_the_mean():
    """10 J in 2 s, then 2 J more in 2 s: 5 W, 1 W, and 12 J / 4 s = 3 W."""

    def reading(energy_j, duration_s):
        part = Result(energy_j, 0.0, 2 * energy_j, n=1, kind="modelled")
        return widgets.EnergyReading({"x": part}, duration_s, 1.0)

    view = widgets.LiveMeter(widgets.carbon.grid_intensity("DEU"))
    with pytest.raises(MeasurementError, match="no reading yet"):
        view.carbon_result()
    powers_w = []
    for joules, seconds, state in [(10, 2, "running"), (12, 4, "running"), (12, 4, "done")]:
        view.update(reading(joules, seconds), state)
        powers_w.append(view.power_w)
    assert powers_w == [5.0, 1.0, 3.0]
    assert list(view.rows()) == [
        "meter", "time", "memory", "mean power", "energy", "carbon",
    ]  # fmt: skip
    assert "DEU 2023, 381 g/kWh" in repr(view)
    assert '<td style="text-align:left">carbon</td>' in view._repr_html_()


def test_an_unknown_country_is_refused_before_anything_is_shown(shown):
    with pytest.raises(MeasurementError, match="no grid"), widgets.live_meter("Germny"):
        pass
    assert shown.calls == []
