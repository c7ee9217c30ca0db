"""Counting: DS-CNN's published figures, PyTorch's own counter as oracle, conventions by hand."""

import math
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune
from torch.utils.flop_counter import FlopCounterMode

from course_utils import counting
from course_utils.counting import count
from course_utils.errors import MeasurementError
from labs.shared.networks import KEYWORD_SHAPE, ds_cnn


def oracle_macs(model, *inputs):
    """PyTorch's count of floating-point operations; two make a MAC."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(*inputs)
    return counter.get_total_flops() // 2


def rows(counts):
    return {layer.name: layer for layer in counts.layers}


# The MLPerf Tiny keyword-spotting network


def test_ds_cnn_folded():
    counts = count(ds_cnn(), torch.zeros(1, *KEYWORD_SHAPE))
    assert counts.params == 22_604
    assert counts.macs == 2_656_768
    assert counts.peak_activation_elements == 16_000


def test_ds_cnn_as_trained():
    counts = count(ds_cnn(), torch.zeros(1, *KEYWORD_SHAPE), fold_batch_norm=False)
    assert counts.params == 23_756
    # One MAC for each of the 9 x 64 x 25 x 5 normalised elements comes on top.
    assert counts.macs == 2_656_768 + 9 * 64 * 25 * 5
    assert counts.peak_activation_elements == 16_000


def test_ds_cnn_bytes_by_hand():
    counts = count(ds_cnn(), torch.zeros(1, *KEYWORD_SHAPE))
    image, padded, maps = 49 * 10, 58 * 12, 64 * 25 * 5
    activations = image + 2 * padded + maps + 8 * 2 * maps + maps + 64 + 64 + 12
    assert counts.bytes_moved == 4 * (22_604 + activations)
    assert counts.intensity_ops_per_byte == 2 * counts.macs / counts.bytes_moved


# MACs and parameters, against PyTorch


@st.composite
def convolutions(draw):
    """Return a convolution of 1 to 3 dimensions, or its transpose, and an input that fits."""
    dimensions = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    transposed = draw(st.booleans())
    kinds = counting.TRANSPOSED if transposed else counting.CONVOLUTIONS
    sizes = st.integers(1, 3)
    layer = kinds[dimensions - 1](
        groups * draw(sizes),
        groups * draw(sizes),
        tuple(draw(sizes) for _ in range(dimensions)),
        stride=draw(sizes),
        padding=draw(st.integers(0, 1)),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
    )
    shape = [draw(st.integers(5, 8)) for _ in range(dimensions)]
    return layer, torch.zeros(draw(st.integers(1, 2)), layer.in_channels, *shape)


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_convolutions_agree_with_pytorch(case):
    layer, x = case
    counts = count(layer, x)
    assert counts.macs == oracle_macs(layer, x)
    assert counts.params == sum(p.numel() for p in layer.parameters())
    assert counts.peak_activation_elements == x.numel() + layer(x).numel()
    assert counts.bytes_moved == 4 * (counts.params + counts.peak_activation_elements)


@settings(max_examples=20, deadline=None)
@given(
    features=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    batch=st.lists(st.integers(1, 4), max_size=3),
)
def test_linear_agrees_with_pytorch(features, batch):
    layer, x = nn.Linear(*features), torch.zeros(*batch, features[0])
    assert count(layer, x).macs == math.prod(batch) * math.prod(features)
    if batch:  # PyTorch's counter does not know the product of a matrix and one vector
        assert count(layer, x).macs == oracle_macs(layer, x)


@settings(max_examples=30, deadline=None)
@given(
    heads=st.integers(1, 3),
    is_batch_first=st.booleans(),
    add_bias=st.booleans(),
    add_zero=st.booleans(),
    lengths=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)),
)
def test_attention_agrees_with_pytorch(heads, is_batch_first, add_bias, add_zero, lengths):
    target, source, batch = lengths
    layer = nn.MultiheadAttention(
        4 * heads, heads, kdim=3, vdim=5, batch_first=is_batch_first, add_bias_kv=add_bias,
        add_zero_attn=add_zero,
    )  # fmt: skip
    swap = (1, 0) if is_batch_first else (0, 1)
    query, key, value = (
        torch.zeros(*((length, batch)[i] for i in swap), width)
        for length, width in ((target, 4 * heads), (source, 3), (source, 5))
    )
    counts = count(layer, (query, key, value))
    if not add_bias:  # that bias is a key and a value of their own width, after the projection
        assert counts.macs == oracle_macs(layer, query, key, value)
    assert counts.params == sum(p.numel() for p in layer.parameters())


def test_self_attention_reads_its_input_once():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.zeros(1, 5, 8)
    counts = count(layer, (x, x, x))
    assert counts.macs == 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8
    assert counts.peak_activation_elements == 5 * 8 + 5 * 8 + 5 * 5  # and the averaged weights


def test_a_transformer_layer_agrees_with_pytorch():
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    x = torch.zeros(2, 7, 16)
    products = count(layer, x).macs - 2 * 2 * x.numel()  # less the two layer normalisations
    tokens = 2 * 7
    by_hand = tokens * (4 * 16 * 16 + 2 * 16 * 32) + 2 * 2 * 7 * 7 * 16
    assert products == by_hand
    assert count(layer, x).params == sum(p.numel() for p in layer.parameters())


def test_a_network_agrees_with_pytorch():
    model, x = ds_cnn(width=0.5), torch.zeros(3, *KEYWORD_SHAPE)
    assert count(model, x).macs == oracle_macs(model, x)
    assert count(model, x).macs == 3 * count(model, x[:1]).macs


# Conventions, by hand


def test_an_embedding_reads_only_its_rows():
    counts = count(nn.Embedding(1000, 8), torch.zeros(1, 5, dtype=torch.int64))
    assert (counts.params, counts.macs) == (8000, 0)
    assert counts.bytes_moved == 5 * 8 + 2 * 5 * 8 * 4  # indices; rows read; output written
    assert counts.intensity_ops_per_byte == 0


@pytest.mark.parametrize(
    ("layer", "macs"),
    [(nn.BatchNorm2d(4), 100), (nn.LayerNorm(5), 200), (nn.GroupNorm(2, 4), 200),
     (nn.InstanceNorm2d(4), 200), (nn.PReLU(), 0), (nn.MaxPool2d(5), 0), (nn.GELU(), 0)],
)  # fmt: skip
def test_elementwise_layers(layer, macs):
    counts = count(layer, torch.zeros(1, 4, 5, 5))
    assert counts.macs == macs
    assert counts.params == sum(p.numel() for p in layer.parameters())


def test_dtype_counts_in_bytes_alone():
    layer, x = nn.Linear(10, 2), torch.zeros(1, 10)
    single = count(layer, x)
    double = count(layer.double(), x.double())
    assert double.bytes_moved == 2 * single.bytes_moved
    assert double.macs == single.macs


def test_a_normalisation_gives_its_convolution_a_bias():
    model = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU())
    x = torch.zeros(1, 2, 6, 6)
    counts = count(model, x)
    assert counts.params == 4 * 2 * 9 + 4
    assert counts.macs == 4 * 4 * 4 * 2 * 9
    assert counts.peak_activation_elements == x.numel() + 64
    assert counts.bytes_moved == 4 * (4 * 2 * 9 + 4 + x.numel() + 64)
    assert [layer.fused_into for layer in counts.layers] == ["", "0", "0"]

    alone = count(model, x, fold_batch_norm=False)
    assert alone.params == 4 * 2 * 9 + 8
    assert alone.peak_activation_elements == x.numel() + 64
    # Convolution; normalisation with scale, shift, mean and variance; ReLU.
    assert alone.bytes_moved == 4 * ((72 + 72 + 64) + (16 + 128) + 128)


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.MaxPool2d(2), nn.BatchNorm2d(4)),
        nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3)),
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        nn.Sequential(nn.Linear(6, 4), nn.BatchNorm2d(2)),
    ],
)
def test_a_normalisation_elsewhere_is_not_folded(model):
    counts = count(model, torch.zeros(1, 2, 6, 6))
    norm = next(layer for layer in counts.layers if layer.kind == "BatchNorm2d")
    assert norm.fused_into == ""
    assert norm.macs > 0
    assert norm.params == norm.output_shape[1] * 2


def test_a_normalisation_after_a_linear_layer_is_folded():
    model = nn.Sequential(nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU())
    assert count(model, torch.zeros(1, 6)).params == 6 * 4 + 4


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.conv(x) + x)


def test_a_normalisation_after_a_sum_is_not_folded():
    assert rows(count(Residual(), torch.zeros(1, 4, 5, 5)))["norm"].macs == 100


def test_an_activation_in_place_counts_its_elements_once():
    model = nn.Sequential(nn.MaxPool2d(1), nn.ReLU(inplace=True))
    relu = count(model, torch.zeros(1, 4, 5, 5), fold_batch_norm=False).layers[1]
    assert relu.activation_elements == 100
    assert relu.bytes_moved == 2 * 400


def test_views_move_nothing():
    model = nn.Sequential(nn.Dropout(), nn.Identity(), nn.Flatten())
    for fold in (True, False):
        assert count(model, torch.zeros(1, 4, 5), fold_batch_norm=fold).bytes_moved == 0


def test_a_layer_called_twice_counts_its_parameters_once():
    layer = nn.Linear(4, 4)
    counts = count(nn.Sequential(layer, nn.ReLU(), layer), torch.zeros(1, 4))
    assert counts.params == 20
    assert counts.macs == 2 * 16
    assert counts.bytes_moved == 2 * 4 * (20 + 8)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.position = nn.Parameter(torch.zeros(3, 4))
        self.head = nn.Linear(4, 11, bias=False)
        self.head.weight = self.embedding.weight
        self.unused = nn.Linear(2, 2)

    def forward(self, tokens):
        return self.head(self.embedding(tokens) + self.position)


def test_every_parameter_counts_once_wherever_it_is():
    counts = count(Tied(), torch.zeros(1, 3, dtype=torch.int64))
    assert counts.params == 11 * 4 + 3 * 4 + 6
    assert {"position", "unused.weight", "unused.bias"} <= set(rows(counts))


def test_fine_pruning_changes_no_count():
    layer, x = nn.Conv2d(2, 4, 3), torch.zeros(1, 2, 6, 6)
    before = count(layer, x)
    prune.l1_unstructured(layer, "weight", amount=0.5)
    assert (count(layer, x).params, count(layer, x).macs) == (before.params, before.macs)


# The model is left as it was


def test_counting_loads_no_compiler():
    """It would cost seconds and 70 MiB in every process that counts."""
    code = (
        "import sys, torch; from course_utils.counting import count; from torch import nn; "
        "count(nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(1, 1, 1)), torch.zeros(1, 1, 2, 2)); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Failing(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        self.linear(x)
        raise RuntimeError("in the middle")


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(fails):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.Linear(4, 2))
    if fails:
        model.append(Failing())
    model[1].eval()  # one part in another mode than the rest
    modes = [module.training for module in model.modules()]
    state = {name: x.clone() for name, x in model.state_dict().items()}
    random_state = torch.get_rng_state()
    if fails:
        with pytest.raises(MeasurementError, match="in the middle; give a model"):
            count(model, torch.rand(1, 1, 6, 6, generator=torch.Generator()))
    else:
        count(model, torch.zeros(1, 1, 6, 6))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(x, state[name]) for name, x in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.is_grad_enabled()
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)


# Shown


def test_shown_as_text_and_as_a_table():
    counts = count(ds_cnn(), torch.zeros(1, *KEYWORD_SHAPE))
    lines = repr(counts).splitlines()
    assert len(lines) == len(counts.layers) + 2
    assert max(map(len, lines)) <= 120
    assert "22,604" in lines[-1]
    assert "max 16,000" in lines[-1]
    page = counts._repr_html_()
    assert page.count("<tr>") == page.count("</tr>") == len(lines)
    assert page.count("<th>") == 8
    assert page.count("<td") == 8 * (len(lines) - 1)


def test_names_are_escaped():
    model = nn.Sequential()
    model.add_module("<b>", nn.ReLU())
    assert "<b>" not in count(model, torch.zeros(1, 2))._repr_html_()


def test_a_model_without_layers():
    counts = count(nn.Sequential(), torch.zeros(3))
    assert (counts.params, counts.macs, counts.intensity_ops_per_byte) == (0, 0, 0)
