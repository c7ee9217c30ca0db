"""What a network costs by counting, and what this machine can do at best by measuring.

- ``count``              parameters, MACs, activations and bytes moved, layer by layer
- ``measure_roofline``   peak op/s and bandwidth of this machine, the two bounds of every layer

The conventions, so that numbers can be compared (1 MAC = 2 ops):

- Counts hold for the example given: take a batch of one for figures per item.
- Convolutions, linear layers and attention cost their products, with padding too; a batch
  normalisation 1 MAC an element, others 2 (statistics, then scale and shift); the rest none.
- A layer reads its weights and inputs once and writes its outputs, at their own dtypes. No cache is
  modelled, and what a ``forward`` method does between layers, such as a sum, moves nothing.
- The activations of a layer are its input and output elements, once if in place; tensors kept for
  later, as beside a residual block, are not added.
- ``fold_batch_norm=True`` counts the network as deployed: a batch normalisation right after a
  convolution or linear layer goes into its weights and bias, and an activation works in place on
  the output of the layer before it. With False each layer stands alone, as PyTorch runs it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_utils import timing
from course_utils.errors import MeasurementError
from course_utils.records import Result, html_table
from course_utils.units import MI, MS_PER_S, OPS_PER_MAC, format_bytes, format_number

Tensors = tuple[Tensor, ...]
Types = tuple[type[nn.Module], ...]
MacRule = Callable[[Any, Tensors, Tensors], int]  # (module, inputs, outputs) of one call -> macs
COLUMNS = ("layer", "kind", "output", "params", "MACs", "in + out", "bytes", "op/B")
REMEDY = "give a rule: count(..., rules={ItsClass: lambda module, inputs, outputs: macs})"


@dataclass(frozen=True, kw_only=True)
class LayerCounts:
    """One call of one layer.

    Parameters
    ----------
    name, kind
        Its place in the model, and its class; ``parameter`` for one that belongs to no layer.
    output_shape
        Shape of the first output, batch included.
    params, macs
        Parameters, those counted in a row before left out, and multiply-accumulates.
    activation_elements
        Input and output elements.
    bytes_moved
        Weights and inputs read, outputs written.
    fused_into
        The layer before, whose row holds all costs, if this one is folded into it or works in
        place on its output.
    """

    name: str
    output_shape: tuple[int, ...]
    kind: str = "parameter"
    params: int = 0
    macs: int = 0
    activation_elements: int = 0
    bytes_moved: int = 0
    fused_into: str = ""

    @property
    def intensity_ops_per_byte(self) -> float:
        """Arithmetic intensity, ops / bytes moved; 0 if nothing moves."""
        return OPS_PER_MAC * self.macs / self.bytes_moved if self.bytes_moved else 0.0


@dataclass(frozen=True, repr=False)
class ModelCounts:
    """The counts of a model, by layer in the order called and in total; shown as a table."""

    layers: tuple[LayerCounts, ...]

    @property
    def params(self) -> int:
        """Parameters to ship; shared ones once."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return sum(layer.macs for layer in self.layers)

    @property
    def peak_activation_elements(self) -> int:
        """Most input and output elements of a layer."""
        return max((layer.activation_elements for layer in self.layers), default=0)

    @property
    def bytes_moved(self) -> int:
        """Weights, inputs and outputs of all layers."""
        return sum(layer.bytes_moved for layer in self.layers)

    @property
    def intensity_ops_per_byte(self) -> float:
        """Arithmetic intensity of all layers together; 0 if nothing moves."""
        return OPS_PER_MAC * self.macs / self.bytes_moved if self.bytes_moved else 0.0

    def _rows(self) -> Iterator[tuple[str | float, ...]]:
        for x in self.layers:
            shape = " x ".join(map(str, x.output_shape))
            if x.fused_into:
                yield x.name, f"{x.kind} in {x.fused_into}", shape, *[""] * 5
            else:
                yield x.name, x.kind, shape, *_costs(x, x.activation_elements)
        yield "total", "", "", *_costs(self, f"max {self.peak_activation_elements:,}")

    def __repr__(self) -> str:
        rows = [[x if isinstance(x, str) else format_number(x) for x in r] for r in self._rows()]
        rows.insert(0, list(COLUMNS))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        line = "  ".join(f"{{:{'<' if i < 3 else '>'}{width}}}" for i, width in enumerate(widths))
        return "\n".join(line.format(*row).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in self._rows()]
        return html_table(rows, write=format_number)


@dataclass(frozen=True)
class Roofline:
    """The two bounds of a machine: no layer computes faster, or moves its bytes faster, than these.

    Of n runs ``value`` and ``high`` are the fastest, as a bound must be, and ``low`` is the median.
    Sizes, dtype, threads on the CPU and what was noisy are in ``conditions``; ``plots.roofline``
    draws the bounds.
    """

    peak_ops_per_s: Result
    bandwidth_bytes_per_s: Result
    device: str
    conditions: str

    @property
    def ridge_ops_per_byte(self) -> Result:
        """The intensity from which arithmetic is the bound, peak / bandwidth."""
        peak, band = self.peak_ops_per_s, self.bandwidth_bytes_per_s
        low, high = peak.low / band.high, peak.high / band.low
        return Result(peak.value / band.value, low, high, n=min(peak.n, band.n), kind="measured")


def count(
    model: nn.Module,
    example: Tensor | tuple[Any, ...],
    *,
    fold_batch_norm: bool = True,
    rules: Mapping[type[nn.Module], MacRule] | None = None,
) -> ModelCounts:
    """Count a model by running it once, in evaluation mode, and leave it as it was.

    A part that cannot be counted, or an example that does not fit, is a `MeasurementError`.

    Parameters
    ----------
    model
        Its products must run in modules; one in a ``forward`` method around them is refused.
    example
        Its input, batch included, on the model's device; a tuple for several.
    fold_batch_norm
        Count as deployed (True), or layer by layer as PyTorch runs it (False).
    rules
        How to count the MACs of further modules, each with all in it: class -> `MacRule`.

    Examples
    --------
    >>> counts = count(nn.Conv2d(1, 8, 3, padding=1), torch.zeros(1, 1, 8, 8))
    >>> counts.params, counts.macs  # 8 * 9 + 8, and 9 at each of 8 * 8 * 8 outputs
    (80, 4608)
    >>> counts.peak_activation_elements, counts.bytes_moved  # 64 + 512, and (80 + 576) * 4
    (576, 2624)
    """
    recorder = _Recorder({**RULES, **(rules or {})}, is_deployed=fold_batch_norm)
    try:
        with recorder.watching(model), torch.no_grad(), recorder:
            model(*(example if isinstance(example, tuple) else (example,)))
    except (AttributeError, TypeError, ValueError, RuntimeError) as err:
        what = f"{type(model).__name__} does not run on this example: {err}".partition("\n")[0]
        raise MeasurementError(f"{what}; give a model and an input that fits it") from err
    return ModelCounts((*recorder.layers, *recorder.remaining(model)))


def measure_roofline(
    device: str | torch.device = "cpu", *, budget_s: float = 2.0, dtype: torch.dtype = torch.float32
) -> Roofline:
    """Measure the peak by multiplying square matrices, the bandwidth by copying a large buffer.

    Bytes are those that the program reads and writes: a copy moves its buffer twice. The buffer has
    256 MiB, or an eighth of the free memory if that is less. The side of the matrices is the
    largest power of two up to 8192 that leaves time for several products.

    Parameters
    ----------
    device, dtype
        Where, as in `timing.latency`, and the dtype of the matrices.
    budget_s
        Time to measure, up to 60 s, without filling the buffers; at least 5 runs each are taken.
    """
    name = timing.check_device(device)
    product, side = _largest_product(name, dtype, budget_s / 2)
    source = torch.ones(_buffer_bytes(), dtype=torch.uint8, device=name)
    copy = partial(torch.empty_like(source).copy_, source)
    conditions = [f"{dtype} matrices of {side} x {side}", f"{format_bytes(source.nbytes)} copied"]
    conditions += [f"{torch.get_num_threads()} threads"] if name == "cpu" else []

    def rate(work: int, call: Callable[[], Any]) -> Result:
        times = timing.latency(call, device=name, warmup=1, min_elapsed_s=budget_s / 2)
        rates = [MS_PER_S * work / call_ms for call_ms in times.samples_ms]
        conditions.extend([f"noisy: {times.noisy_reason}"] if times.noisy else [])
        return Result(max(rates), median(rates), max(rates), n=times.n, kind="measured")

    peak, bandwidth = rate(OPS_PER_MAC * side**3, product), rate(2 * source.nbytes, copy)
    return Roofline(peak, bandwidth, name, "; ".join(conditions))


def _attention_macs(module: Any, inputs: Tensors, _: Tensors) -> int:
    """Project query, key and value, compare all pairs, add up values by weight, project that."""
    query, key, value = inputs[:3]
    keys = key.shape[1] if key.dim() == 3 and module.batch_first else key.shape[0]
    keys += (module.bias_k is not None) + int(module.add_zero_attn)
    projected = 2 * query.numel() + key.numel() + value.numel()
    return projected * int(module.embed_dim) + 2 * query.numel() * keys


CONVOLUTIONS: Types = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED: Types = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BATCH_NORMS: Types = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
OTHER_NORMS: Types = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d)
ACTIVATIONS: Types = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
    *(nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh),
)
VIEWS: Types = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Flatten, nn.Unflatten)
RULES: dict[type[nn.Module], MacRule] = {
    **dict.fromkeys(CONVOLUTIONS, lambda conv, _, out: out[0].numel() * conv.weight[0].numel()),
    **dict.fromkeys(TRANSPOSED, lambda conv, x, _: x[0].numel() * conv.weight[0].numel()),
    nn.Linear: lambda linear, _, out: out[0].numel() * linear.in_features,
    nn.MultiheadAttention: _attention_macs,
    **dict.fromkeys(BATCH_NORMS, lambda _, __, out: out[0].numel()),
    **dict.fromkeys(OTHER_NORMS, lambda _, __, out: 2 * out[0].numel()),
    **dict.fromkeys((nn.Embedding, nn.PReLU), lambda *_: 0),
}
PRODUCTS = re.compile(  # names of functions that multiply matrices
    r"matmul|linear$|conv(olution|_|\d)|m[mv]$|dot$|einsum|(inn|out)er$|cdist|attention|lstm|gru|rnn"
)


class _Recorder(TorchFunctionMode):
    """Writes a row for each call of a layer; while active, refuses products outside of rules."""

    def __init__(self, rules: Mapping[type[nn.Module], MacRule], *, is_deployed: bool) -> None:
        super().__init__()
        self.layers: list[LayerCounts] = []
        self._rules = rules
        self._is_deployed = is_deployed
        self._seen: set[int] = set()  # ids of the parameters counted so far
        self._last: Tensor | None = None  # kept, so that no other tensor gets its address
        self._version: int | None = None  # of its values; None in inference mode, which keeps none
        self._host = 0  # the row that layers are fused into
        self._foldable: Any = None  # the convolution or linear layer that just ran
        self._rule: MacRule | None = None  # of the layer that is running

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "").partition(".")[0].strip("_")
        if self._rule is None and PRODUCTS.search(name):
            what = f"{name} runs in a forward method, where no rule counts its MACs"
            raise MeasurementError(f"{what}; put it into a module of its own and {REMEDY}")
        return func(*args, **(kwargs or {}))

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Run a block with each layer hooked and in evaluation mode."""
        inside = set[nn.Module]()
        with ExitStack() as undoing:
            for name, module in model.named_modules():
                undoing.callback(setattr, module, "training", module.training)
                is_leaf = isinstance(module, tuple(self._rules)) or not list(module.children())
                if is_leaf and module not in inside:
                    enter = partial(self._enter, name or type(module).__name__)
                    leave = partial(self._leave, name or type(module).__name__)
                    undoing.enter_context(module.register_forward_pre_hook(enter))
                    undoing.enter_context(module.register_forward_hook(leave, with_kwargs=True))
                    inside.update(module.modules())
            model.eval()
            yield

    def remaining(self, model: nn.Module) -> Iterator[LayerCounts]:
        """Yield a row for each parameter that belongs to no layer called; it is taken as read."""
        for name, x in model.named_parameters():
            if id(x) not in self._seen:
                size, moved = x.numel(), x.nbytes
                yield LayerCounts(name=name, output_shape=x.shape, params=size, bytes_moved=moved)

    def _enter(self, name: str, module: nn.Module, _: Any) -> None:
        rules = (self._rules[kind] for kind in type(module).__mro__ if kind in self._rules)
        self._rule = next(rules, None)
        if self._rule is None and module.state_dict():
            what = f"no rule counts layer {name}, a {type(module).__name__} with weights"
            raise MeasurementError(f"{what}; {REMEDY}")

    def _leave(self, name: str, module: Any, args: Any, kwargs: Any, output: Any) -> None:
        inputs, outputs = _tensors((args, kwargs)), _tensors(output)
        if outputs:
            row = LayerCounts(name=name, kind=type(module).__name__, output_shape=outputs[0].shape)
            if self._is_deployed and inputs and self._fuses(module, inputs[0]):
                row = replace(row, fused_into=self.layers[self._host].name)
            else:
                row = self._cost(row, module, inputs, outputs)
                self._host = len(self.layers)
                is_flat = isinstance(module, nn.Linear) and outputs[0].dim() == 2
                is_foldable = is_flat or isinstance(module, CONVOLUTIONS + TRANSPOSED)
                self._foldable = module if is_foldable else None
            self.layers.append(row)
            self._last = outputs[0]
            self._version = None if self._last.is_inference() else self._last._version
        self._rule = None

    def _fuses(self, module: Any, x: Tensor) -> bool:
        """Whether a layer goes into the one before; if it is a normalisation, fold it."""
        if self._last is None or x.data_ptr() != self._last.data_ptr():
            return False
        if self._version is not None and self._version != self._last._version:
            self._foldable = None  # something between the layers changed the values in place
        is_fixed = isinstance(module, BATCH_NORMS) and module.running_mean is not None
        if is_fixed and self._foldable is not None:
            self._seen.update(map(id, module.parameters()))
            if self._foldable.bias is None:  # it gets one; counted once if the layer runs again
                row, channels = self.layers[self._host], int(module.num_features)
                params = row.params + (channels if row.params else 0)
                moved = row.bytes_moved + channels * self._foldable.weight.element_size()
                self.layers[self._host] = replace(row, params=params, bytes_moved=moved)
            return True
        if not isinstance(module, nn.Identity | nn.Dropout):
            self._foldable = None
        return isinstance(module, ACTIVATIONS + VIEWS)

    def _cost(self, row: LayerCounts, module: Any, inputs: Tensors, out: Tensors) -> LayerCounts:
        new = {id(x): x.numel() for x in module.parameters() if id(x) not in self._seen}
        self._seen.update(new)
        reads = {id(x): x for x in inputs}.values()  # self-attention is given its input three times
        places = {x.data_ptr() or id(x): x.numel() for x in (*reads, *out)}  # one if in place
        moved = 0 if isinstance(module, VIEWS) else sum(x.nbytes for x in (*reads, *out))
        return replace(
            row,
            params=sum(new.values()),
            macs=self._rule(module, inputs, out) if self._rule else 0,
            activation_elements=sum(places.values()),
            bytes_moved=moved + _weight_bytes(module, out[0]),
        )


def _tensors(value: Any) -> Tensors:
    """Return the tensors in arguments or outputs, which may be nested."""
    if isinstance(value, Tensor):
        return (value,)
    parts = value.values() if isinstance(value, Mapping) else value
    is_nested = isinstance(value, Mapping | tuple | list)
    return tuple(x for part in parts for x in _tensors(part)) if is_nested else ()


def _weight_bytes(module: nn.Module, output: Tensor) -> int:
    """Return what a layer reads of its weights; an embedding reads the rows that it returns."""
    if isinstance(module, nn.Embedding):
        return output.nbytes
    buffers = (x for x in module.buffers() if x.dim())  # not a batch normalisation's step counter
    return sum(x.nbytes for x in (*module.parameters(), *buffers))


def _costs(x: LayerCounts | ModelCounts, activations: str | int) -> tuple[str | float, ...]:
    return x.params, x.macs, activations, x.bytes_moved, x.intensity_ops_per_byte


def _largest_product(device: str, dtype: torch.dtype, share_s: float) -> tuple[Any, int]:
    """Return a product of square matrices and their side, so large that six fill the time."""
    random = torch.Generator(device).manual_seed(0)
    side = 256
    while True:
        a = torch.rand(side, side, dtype=dtype, device=device, generator=random)
        product = partial(torch.mm, a, a, out=torch.empty_like(a))
        trial = timing.latency(product, device=device, warmup=1, min_runs=2, min_elapsed_s=0.0)
        if side == 8192 or 6 * 2**3 * trial.median_ms > MS_PER_S * share_s:
            return product, side
        side *= 2


def _buffer_bytes() -> int:
    """Return a size well above most caches, but within an eighth of the free memory."""
    return min(256 * MI, psutil.virtual_memory().available // 8)
