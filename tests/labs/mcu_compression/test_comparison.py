"""Networks judged side by side, and the pictures of quantisation: the data that they draw."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import plots
from labs.mcu_compression import comparison, given, quantization
from labs.mcu_compression import quantization_pictures as pictures
from labs.mcu_compression.affine import RangeError, WeightError
from labs.shared.networks import ds_cnn


class Says(nn.Module):
    """Answers with what it is told, whatever it hears."""

    def __init__(self, answers):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.answers = torch.tensor(answers)

    def forward(self, x):
        return nn.functional.one_hot(self.answers, 3).float() + 0 * self.weight


@pytest.fixture
def judged():
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    clips = SimpleNamespace(labels=labels, clusters=lambda: list("aabbccddee"))
    worse = labels.clone()
    worse[:4] = (worse[:4] + 1) % 3
    networks = {"8 bit": Says(labels.tolist()), "2 bit": Says(worse.tolist())}
    found = comparison.judge(
        networks,
        Says(labels.tolist()),
        clips=clips,
        features=torch.zeros(10, 1),
        rng=np.random.default_rng(0),
    )
    return found, clips


def test_losses_are_paired_and_over_speakers(judged):
    found, clips = judged
    assert list(found) == ["float32", "8 bit", "2 bit"]
    assert (found["8 bit"].loss.interval.value, found["8 bit"].loss.interval.high) == (0, 0)
    lost = found["2 bit"].loss.interval
    assert (lost.value, lost.n) == (pytest.approx(0.4), 5)
    assert found["2 bit"].top1.value == pytest.approx(0.6)
    rows = comparison.steps(found, clips=clips, rng=np.random.default_rng(0)).rows
    assert [row["step"] for row in rows] == ["float32 to 8 bit", "8 bit to 2 bit"]
    assert rows[0]["told apart"] == "no"


def test_tables_show_what_they_hold(judged):
    found, _ = judged
    sizes = {"a": {"float32": 4000, "8 bit": 1000, "2 bit": 250}}
    table = comparison.table({"a": found}, sizes)
    assert [row["bytes"] for row in table.rows] == ["4,000", "1,000", "250"]
    assert "2 bit" in repr(table)
    assert "<td" in table._repr_html_()


def test_accuracy_by_size_draws_each_series_at_its_own_sizes(judged):
    found, _ = judged
    one = {"float32": 4000, "8 bit": 1000, "2 bit": 250}
    two = {name: 2 * size for name, size in one.items()}
    figure, axes = plots.new_figure(wide=True)
    rows = pictures.accuracy_by_size(
        axes, {"a": found, "b": found}, sizes={"a": one, "b": two}, title="t"
    )
    assert [row["size_bytes"] for row in rows] == [250, 1000, 4000, 500, 2000, 8000]
    figure.draw_without_rendering()


def test_what_training_on_wins_back(judged):
    found, _ = judged
    same = {"2 bit": found["2 bit"]}
    back = {"2 bit": found["8 bit"]}
    if found["2 bit"].loss.interval.low > 0:
        assert pictures.recovery(found, same).endswith("wins nothing back")
        assert pictures.recovery(found, back).endswith("wins 100% of it back")
    assert "do not show" in pictures.recovery({"2 bit": found["8 bit"]}, same)


def test_pictures_of_errors_say_which_is_least():
    _, axes = plots.new_figure(wide=True)
    errors = [WeightError("a", 0.2, 0.1, 3.0), WeightError("b", 0.1, 0.2, 2.0)]
    rows = pictures.weight_errors(axes, errors, bits=4)
    assert [row["ratio"] for row in rows] == [2.0, 0.5]
    assert "in 1 of 2 layers" in axes.get_title("left").replace("\n", " ")
    _, axes = plots.new_figure(wide=True)
    wide, narrow = RangeError(100, 0, 9, 0.3, 0.0), RangeError(99, 0, 5, 0.2, 0.1)
    told = pictures.range_errors(axes, {4: [wide, narrow]}, name="a")
    assert told == ["99 % of the values with 4 bits"]


def test_a_histogram_counts_what_falls_on_zero():
    _, axes = plots.new_figure(wide=True)
    found = pictures.grid_histogram(axes, np.array([1.0, 0.4, -0.4, -0.6]), bits=2, name="a")
    assert found == {"scale": 1.0, "at_zero": 0.5}
    explorer = pictures.GridExplorer(np.linspace(-1, 1, 50), "a", 3)
    assert "grid of 3 bits" in explorer.picture().alt


def test_changes_by_hand():
    network = ds_cnn(width=0.1).eval()
    x = torch.randn(4, 1, 49, 10, generator=torch.Generator().manual_seed(0))
    old = quantization.quantize_network(network, x, weight_bits=2)
    new = quantization.quantize_network(network, x, weight_bits=2)
    with torch.no_grad():
        new.folded.layers["linear 1"].weight *= -1
        new.folded.layers["conv 1"].weight *= 1.25
        new.folded.layers["conv 1"].bias *= 1.5
    rows = quantization.changes(old, new)
    assert [row["codes changed"] for row in rows[:-1]] == ["0%"] * 9
    codes = old.codes()[-1].weight_codes
    assert rows[-1]["codes changed"] == f"{(codes != 0).mean():.0%}"
    assert (rows[0]["scales changed by"], rows[0]["biases changed by"]) == ("25%", "50%")
    assert (rows[1]["scales changed by"], rows[1]["biases changed by"]) == ("0%", "0%")


def test_the_given_functions_agree_with_the_definitions():
    assert given.affine_parameters(-0.5, 1.0, 2) == (0.5, -1)
    assert given.quantize(np.array([0.7, 1.4]), 0.5, -1, 2).tolist() == [0, 1]
    assert given.channel_scales(np.array([[1.27], [0.0]]), 8) == pytest.approx([0.01, 1])
    norm = {k: torch.tensor([v]) for k, v in (("gamma", 2.0), ("beta", 10.0), ("mean", 1.0))}
    norm |= {"variance": torch.tensor([0.75]), "eps": 0.25}
    weight, bias = given.fold_batch_norm(torch.ones(1, 1, 1, 1), torch.tensor([3.0]), norm)
    assert (weight.item(), bias.item()) == (2.0, 14.0)
    x = torch.tensor([0.3, 0.9], requires_grad=True)
    y = given.fake_quantize(x, 0.25, 1, 3)
    y.sum().backward()
    assert (y.tolist(), x.grad.tolist()) == ([0.25, 0.5], [1.0, 0.0])
