"""Writing .tflite files, and running them with TensorFlow Lite for Microcontrollers."""

import numpy as np
import pytest


class Writer:
    """A network as a .tflite file, operator by operator, with the schema of TFLM's package."""

    def __init__(self):
        self.schema = pytest.importorskip(
            "tflite_micro.tensorflow.lite.micro.python.schema_py_generated",
            reason="needs tflite-micro (extra dev)",
        )
        self.buffers, self.tensors, self.codes, self.operators = [], [], [], []
        self.inputs, self.outputs = [0], None
        self.buffer(None)

    def buffer(self, data) -> int:
        buffer = self.schema.BufferT()
        content = None if data is None else np.ascontiguousarray(data).tobytes()
        buffer.data = None if content is None else np.frombuffer(content, np.uint8)
        self.buffers.append(buffer)
        return len(self.buffers) - 1

    def tensor(self, shape, *, scale=None, zero=0, data=None, axis=0, kind=None) -> int:
        s = self.schema
        tensor = s.TensorT()
        tensor.name, tensor.shape = f"t{len(self.tensors)}", [int(size) for size in shape]
        names = {"int8": "INT8", "int32": "INT32"}
        tensor.type = getattr(
            s.TensorType, kind or (names[data.dtype.name] if data is not None else "INT8")
        )
        tensor.buffer = 0 if data is None else self.buffer(data)
        if scale is not None:
            q = tensor.quantization = s.QuantizationParametersT()
            q.scale = [float(each) for each in np.atleast_1d(scale)]
            q.zeroPoint = [int(zero)] * len(q.scale)
            q.quantizedDimension = axis
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def operator(self, kind: str, inputs, output: int, options: str | None = None, **fields):
        s = self.schema
        operator, code = s.OperatorT(), s.OperatorCodeT()
        code.builtinCode = getattr(s.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 5
        self.codes.append(code)
        operator.opcodeIndex, operator.inputs = len(self.codes) - 1, list(inputs)
        operator.outputs = [output]
        if options:
            operator.builtinOptionsType = getattr(s.BuiltinOptions, options)
            operator.builtinOptions = getattr(s, options + "T")()
            for name, value in fields.items():
                assert hasattr(operator.builtinOptions, name)
                setattr(operator.builtinOptions, name, value)
        self.operators.append(operator)
        return output

    def model(self):
        s = self.schema
        graph, model = s.SubGraphT(), s.ModelT()
        graph.tensors, graph.operators, graph.name = self.tensors, self.operators, "main"
        graph.inputs = self.inputs
        graph.outputs = self.outputs or [self.operators[-1].outputs[0] if self.operators else 0]
        model.version, model.operatorCodes, model.subgraphs = 3, self.codes, [graph]
        model.buffers, model.description = self.buffers, "test"
        return model

    def content(self, model=None) -> bytes:
        import flatbuffers

        builder = flatbuffers.Builder(1 << 12)
        builder.Finish((model or self.model()).Pack(builder), b"TFL3")
        return bytes(builder.Output())


class Chain(Writer):
    """A random network that grows at its end; numbers come from one generator.

    Scales are chosen so that codes use their range, times a factor between 0.3 and 4.
    """

    def __init__(self, shape, *, seed: int):
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.shape = tuple(shape)
        self.scale, self.zero = self.new_scale(0.05), self.new_zero()
        self.at = self.tensor((1, *shape), scale=self.scale, zero=self.zero)

    def new_scale(self, about: float) -> np.float32:
        return np.float32(about * np.exp(self.rng.uniform(np.log(0.3), np.log(4))))

    def new_zero(self, activation: int = 0) -> int:
        """A zero point; with an activation function one that leaves room above it."""
        return int(self.rng.integers(-128, 0 if activation else 128))

    def append(self, kind, inputs, shape, options=None, *, scale=None, zero=None, **fields):
        """Add an operator whose output has a scale of its own unless given; returns the chain."""
        self.scale = self.scale if scale is None else scale
        self.zero = self.zero if zero is None else zero
        self.shape = tuple(int(each) for each in shape)
        out = self.tensor((1, *self.shape), scale=self.scale, zero=self.zero)
        self.at = self.operator(kind, inputs, out, options, **fields)
        return self

    def window(self, size, stride, *, same: bool):
        places = [
            -(-n // s) if same else (n - k) // s + 1
            for n, k, s in zip(self.shape, size, stride, strict=False)
        ]
        padding = self.schema.Padding.SAME if same else self.schema.Padding.VALID
        return places, {"padding": padding, "strideH": stride[0], "strideW": stride[1]}

    def weighted(self, kind, weights, shape, options, *, axis, terms, per_channel, **fields):
        channels = weights.shape[axis]
        scale = self.new_scale(0.05)
        about = float(scale) / float(self.scale) / 90 / np.sqrt(terms)
        scales = np.array([self.new_scale(about) for _ in range(channels if per_channel else 1)])
        products = (self.scale * scales).astype(np.float32)
        w = self.tensor(weights.shape, scale=scales, data=weights, axis=axis)
        biases = self.rng.integers(-20_000, 20_000, channels).astype(np.int32)
        b = self.tensor((channels,), scale=products, data=biases)
        new = {"scale": scale, "zero": self.new_zero(fields["fusedActivationFunction"])}
        return self.append(kind, [self.at, w, b], shape, options, **new, **fields)

    def weights(self, *shape):
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def conv(self, outputs, size, stride, *, same=True, activation=0, per_channel=True):
        places, fields = self.window(size, stride, same=same)
        return self.weighted(
            "CONV_2D",
            self.weights(outputs, *size, self.shape[2]),
            (*places, outputs),
            "Conv2DOptions",
            axis=0,
            terms=size[0] * size[1] * self.shape[2],
            per_channel=per_channel,
            fusedActivationFunction=activation,
            dilationHFactor=1,
            dilationWFactor=1,
            **fields,
        )

    def depthwise(self, multiple, size, stride, *, same=True, activation=0, per_channel=True):
        places, fields = self.window(size, stride, same=same)
        outputs = multiple * self.shape[2]
        return self.weighted(
            "DEPTHWISE_CONV_2D",
            self.weights(1, *size, outputs),
            (*places, outputs),
            "DepthwiseConv2DOptions",
            axis=3,
            terms=size[0] * size[1],
            per_channel=per_channel,
            depthMultiplier=multiple,
            fusedActivationFunction=activation,
            dilationHFactor=1,
            dilationWFactor=1,
            **fields,
        )

    def linear(self, outputs, *, activation=0, per_channel=False):
        elements = int(np.prod(self.shape))
        return self.weighted(
            "FULLY_CONNECTED",
            self.weights(outputs, elements),
            (outputs,),
            "FullyConnectedOptions",
            axis=0,
            terms=elements,
            per_channel=per_channel,
            fusedActivationFunction=activation,
        )

    def pool(self, kind, size, stride, *, same=True, activation=0):
        places, fields = self.window(size, stride, same=same)
        fields |= {"filterHeight": size[0], "filterWidth": size[1]}
        name = {"max": "MAX_POOL_2D", "average": "AVERAGE_POOL_2D"}[kind]
        shape = (*places, self.shape[2])
        fields["fusedActivationFunction"] = activation
        return self.append(name, [self.at], shape, "Pool2DOptions", **fields)

    def mean(self):
        axes = self.tensor((2,), data=np.array([1, 2], np.int32))
        new = {"scale": self.new_scale(float(self.scale)), "zero": self.new_zero()}
        shape = (1, 1, self.shape[2])
        return self.append("MEAN", [self.at, axes], shape, "ReducerOptions", keepDims=True, **new)

    def pad(self, *around):
        data = np.array([(0, 0), around[:2], around[2:], (0, 0)], np.int32)
        table = self.tensor((4, 2), data=data)
        height, width, channels = self.shape
        shape = (height + sum(around[:2]), width + sum(around[2:]), channels)
        return self.append("PAD", [self.at, table], shape, "PadOptions")

    def residual(self, *, activation=0):
        """A pointwise convolution and a sum with what went into it."""
        before, scale = self.at, self.scale
        self.conv(self.shape[2], (1, 1), (1, 1))
        about = float(scale + self.scale)
        new = {"scale": self.new_scale(about), "zero": self.new_zero(activation)}
        fields = {"fusedActivationFunction": activation}
        return self.append("ADD", [before, self.at], self.shape, "AddOptions", **new, **fields)

    def flat(self):
        shape = (int(np.prod(self.shape)),)
        table = self.tensor((2,), data=np.array([1, *shape], np.int32))
        return self.append("RESHAPE", [self.at, table], shape, "ReshapeOptions")

    def softmax(self, *, beta=1.0):
        new = {"scale": np.float32(1 / 256), "zero": -128}
        return self.append("SOFTMAX", [self.at], self.shape, "SoftmaxOptions", beta=beta, **new)

    def clips(self, count: int = 3):
        """Random input codes, and the two extremes."""
        shape = tuple(self.tensors[0].shape[1:])
        random = self.rng.integers(-128, 128, (count, *shape))
        ends = np.stack([np.full(shape, -128), np.full(shape, 127)])
        return np.concatenate([random, ends]).astype(np.int8)


def interpreted(content: bytes, codes):
    """What TensorFlow Lite for Microcontrollers makes of input codes."""
    package = pytest.importorskip("tflite_micro", reason="needs tflite-micro (extra dev)")
    interpreter = package.runtime.Interpreter.from_bytes(content, arena_size=1 << 21)
    found = []
    for clip in codes:
        interpreter.set_input(clip[None], 0)
        interpreter.invoke()
        found.append(interpreter.get_output(0)[0].copy())
    return np.stack(found)


@pytest.fixture(scope="session")
def chain():
    """Return the class that writes random networks; its arguments are shape and seed."""
    return Chain


@pytest.fixture(scope="session")
def writer():
    """Return the class that writes .tflite files."""
    return Writer


@pytest.fixture(scope="session")
def oracle():
    """Return a function: bytes of a .tflite file, input codes -> output codes, by TFLM."""
    return interpreted
