"""What students do wrong first, module by module: one line that names the value and the remedy."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import carbon, counting, data, energy, memory, plots, stats, timing, widgets
from course_utils.errors import CourseUtilsError
from course_utils.records import Result, counted
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn

X = torch.zeros(1, *KEYWORD_SHAPE)
GRID = carbon.grid_intensity("DEU")
LABELS = {"x_label": "a [s]", "y_label": "b [1]", "title": "It grows"}
RECORD = {"parameters": {"width": 1.0}, "results": {}, "provenance": {}}


def rng():
    return np.random.default_rng(0)


def bootstrap(**mistakes):
    return stats.bootstrap_interval(
        [0, 0, 0, 0, 1], **{"statistic": np.mean, "rng": rng()} | mistakes
    )


def axes():
    return plots.new_figure()[1]


MISTAKES = {
    "a function with an argument": (
        lambda: timing.latency(nn.ReLU().forward),
        r"^ReLU\.forward: missing a required argument: 'input'; give the work as lambda: model",
    ),
    "the result instead of the function": (
        lambda: timing.latency(ds_cnn()(X)),
        r"^a Tensor: cannot be called; give the work as lambda",
    ),
    "the items are right, the function is not": (
        lambda: timing.throughput("model(x)", 1),
        "^a str: cannot be called",
    ),
    "a generator to meter": (
        lambda: energy.energy_per_call(i for i in range(3)),
        "genexpr>: cannot be called; give the work",
    ),
    "a state_dict": (
        lambda: memory.model_bytes(ds_cnn().state_dict()),
        r"^a OrderedDict is no model; give the torch\.nn\.Module$",
    ),
    "elements as a tensor": (
        lambda: memory.QuantizedTensor(elements=torch.tensor(3), bits=8),
        r"^elements is tensor\(3\); give a whole number >= 0, an int$",
    ),
    "bits that are no number": (
        lambda: memory.QuantizedTensor(elements=3, bits=float("nan")),
        "^bits is nan; give a whole number",
    ),
    "a model of another dtype": (
        lambda: counting.count(ds_cnn().half(), X),
        "^DSCNN does not run on this example: Input type .*Half.*; give a model and an input",
    ),
    "an array instead of a tensor": (
        lambda: counting.count(ds_cnn(), X.numpy()),
        "must be Tensor, not numpy.ndarray; give a model and an input that fits it$",
    ),
    "a function instead of a model": (
        lambda: counting.count(lambda x: x, X),
        "^function does not run on this example: .*; give a model",
    ),
    "carbon of a text": (
        lambda: carbon.operational_carbon_g("1", 380),
        "^energy_j is 1; give a finite number of at least 0$",
    ),
    "a grid in place of its intensity": (
        lambda: carbon.operational_carbon_g(1.0, GRID),
        "^intensity_g_per_kwh is Germany: 380.95 gCO2e/kWh .*; give a finite number",
    ),
    "an energy that is no result": (
        lambda: carbon.operational_carbon(3.6e6, GRID),
        r"^give Result, GridIntensity; not 3600000\.0, GridIntensity",
    ),
    "two letters that begin another country": (
        lambda: carbon.grid_intensity("UK"),
        "^no grid intensity for country 'UK'; give three letters, like DEU: ",
    ),
    "samples from a generator": (
        lambda: stats.mean_interval(float(i) for i in range(9)),
        "^samples: .*'generator'; give a list of plain numbers$",
    ),
    "samples that still know their gradient": (
        lambda: stats.median_interval(torch.rand(9, requires_grad=True)),
        "^samples: .*requires grad.*; give a list of plain numbers$",
    ),
    "samples as words": (
        lambda: stats.median_interval(["fast", "slow"]),
        "^samples: .*'fast'; give a list of plain numbers$",
    ),
    "a proportion of nothing known": (
        lambda: stats.proportion_interval(float("nan"), 3),
        "^nan successes of 3: give whole numbers from 0 to n$",
    ),
    "a seed in place of a generator": (
        lambda: bootstrap(rng=0),
        r"^rng is 0; give rng=np\.random\.default_rng\(SEED\)$",
    ),
    "points that are plain numbers": (
        lambda: plots.pareto_front(axes(), [("a", 1.0, 2.0)], **LABELS),
        r"^1\.0 is no Result; give a \.result\(\) or records\.counted",
    ),
    "a curve of plain numbers": (
        lambda: plots.learning_curve(axes(), {"loss": [(1, 0.5)]}, **LABELS),
        r"^0\.5 is no Result",
    ),
    "scaling by plain numbers": (
        lambda: plots.scaling(axes(), {"ours": [(1, 0.5)]}, **LABELS),
        r"^0\.5 is no Result",
    ),
    "another word for falls": (
        lambda: plots.scaling(axes(), {"ours": [(1, counted(1))]}, ideal="down", **LABELS),
        "^ideal is 'down'; give 'rises' or 'falls'$",
    ),
    "a roof of plain numbers": (
        lambda: plots.roofline(axes(), [("a", 1, counted(1))], peak=1, bandwidth=1, title="T"),
        "^1 is no Result",
    ),
    "bars of plain numbers": (
        lambda: plots.stacked_breakdown(axes(), {"a": {"b": 1.5}}, x_label="t [s]", title="T"),
        r"^1\.5 is no Result",
    ),
    "one record in place of a list": (
        lambda: widgets.explore_records(RECORD, x="width", y="width"),
        "^records are no list of records; give ",
    ),
    "paths in place of records": (
        lambda: widgets.explore_records(["a.json"], x="width", y="width"),
        "^records are no list of records; give ",
    ),
    "a count that numpy made": (
        lambda: counted(np.int64(3)),
        r"np\.int64\(3\).*; convert with float\(\)$",
    ),
    "a data set in capitals": (
        lambda: data.load("MNIST"),
        "^no data set 'MNIST'; did you mean 'mnist'[?]$",
    ),
}


@pytest.mark.parametrize(("mistake", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_with_value_and_remedy(mistake, message):
    with pytest.raises(CourseUtilsError, match=message) as caught:
        mistake()
    assert "\n" not in str(caught.value)


def test_a_function_that_does_not_tell_its_arguments_is_called():
    assert timing.latency(dict, min_elapsed_s=0.0).n >= 5


def test_a_statistic_that_fails_on_a_resample_gives_no_interval():
    """Of five samples with one 1, a third of the resamples hold none: 1 / mean is infinite there.

    The quantiles of numbers with a NaN are NaN, which `min` and `max` drop: the interval had
    no width and looked exact.
    """
    with pytest.raises(CourseUtilsError, match="of a resample is not finite; take another"):
        bootstrap(statistic=lambda x: 1 / x.mean() if x.any() else float("nan"))


def test_a_share_counted_by_torch_is_a_result_of_plain_numbers():
    hits = (torch.tensor([1, 1, 0, 1]) == 1).sum()
    share = stats.proportion_interval(hits, torch.tensor(4))
    assert share == stats.proportion_interval(3, 4)
    assert isinstance(share.result(), Result)


class AddsBetween(nn.Module):
    """A convolution, something in place on its output, and a normalisation of the sum."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.conv(x)
        y += x
        return self.norm(y)


def test_a_normalisation_of_a_sum_in_place_is_not_folded():
    """By hand: 9 weights at 16 places, and a normalisation of 48 elements, 6 parameters."""
    counts = counting.count(AddsBetween(), torch.zeros(1, 3, 4, 4))
    assert (counts.params, counts.macs) == (9 + 6, 9 * 16 + 48)


def test_counting_works_in_inference_mode():
    with torch.inference_mode():
        counts = counting.count(ds_cnn(), torch.zeros(1, *KEYWORD_SHAPE))
    assert (counts.params, counts.macs, counts.peak_activation_elements) == (22604, 2656768, 16000)


def test_a_refresh_time_that_is_no_number_fails_at_once():
    with pytest.raises(TypeError), widgets.live_meter(refresh_s="0.3"):
        raise AssertionError("the block must not run")
