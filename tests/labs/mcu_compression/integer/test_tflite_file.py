"""Reading .tflite files: what is refused, damaged files, and networks with real speech."""

import csv
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labs.engine.errors import ExtraMissingError
from labs.mcu_compression import bench, checkpoint, quantization
from labs.mcu_compression.c_code.generator import generate
from labs.mcu_compression.integer import tflite_content, tflite_file
from labs.mcu_compression.integer.from_torch import integer_network
from labs.mcu_compression.integer.network import IntegerNetwork
from labs.mcu_compression.integer.tflite_file import TfliteError, network_of, read_tflite
from labs.shared import features, keywords

ARCHIVE = Path("speech_commands_v2_testset_dev.tar")
REFERENCE = Path("mlperf_tiny_kws_reference", "kws_ref_model.tflite")
# In the order of the reference network's outputs.
WORDS = ["down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes"]
LABELS = [*WORDS, "_silence_", "_unknown_"]


def small(chain):
    made = chain((6, 5, 2), seed=3).conv(4, (3, 3), (2, 1)).residual()
    return made.pool("average", (3, 5), (3, 5), same=False).flat().linear(3).softmax()


@pytest.fixture(scope="module")
def content(chain) -> bytes:
    return small(chain).content()


def test_what_is_read(chain):
    network = network_of(small(chain).content(), name="a */ b\n")
    assert network.name == "a __ b_"
    assert [layer.name for layer in network.layers] == [
        *("conv 1", "pointwise 1", "add 1", "average 1", "reshape 1", "linear 1", "softmax 1")
    ]
    assert [tensor.shape for tensor in network.tensors][::7] == [(6, 5, 2), (3,)]
    assert network.layers[2].inputs == (1, 2)
    assert network.macs == 3 * 5 * 4 * 18 + 3 * 5 * 16 + 3 * 4


@pytest.mark.parametrize("name", ["damaged.tflite", "missing.tflite", "large.tflite"])
def test_messages_name_the_file_in_one_line(tmp_path, name, content, monkeypatch):
    monkeypatch.setattr(tflite_content, "MAX_FILE_BYTES", len(content))
    (tmp_path / "damaged.tflite").write_bytes(content[:200])
    (tmp_path / "large.tflite").write_bytes(content + b"\0")
    with pytest.raises(TfliteError, match=rf"^{name}: [^\n]*[;,][^\n]*$"):
        read_tflite(tmp_path / name)


def test_a_good_file_is_read_from_disk(tmp_path, content):
    (tmp_path / "good one.tflite").write_bytes(content)
    assert read_tflite(str(tmp_path / "good one.tflite")).name == "good one"


def test_without_the_extra_the_remedy_is_named(content, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tflite", None)
    with pytest.raises(ExtraMissingError, match=r"pip install .*\[mcu\]"):
        network_of(content)


REFUSED = {
    "tensor 0 is FLOAT32": lambda m: tensor(m, 0, type=0),
    "tensor 0 is UINT8": lambda m: tensor(m, 0, type=3),
    "batch of 1": lambda m: tensor(m, 0, shape=[2, 6, 5, 2]),
    "has shape .6,., not|has shape .6,.;": lambda m: tensor(m, 0, shape=[6]),
    "not fixed": lambda m: tensor(m, 0, shapeSignature=[-1, -1, 5, 2]),
    "shape .1, 0, 5, 2. is not fixed": lambda m: tensor(m, 0, shape=[1, 0, 5, 2]),
    "elements of tensor 0, at most": lambda m: tensor(m, 0, shape=[1, 2**30, 2**30, 2**30]),
    "4,097 scales of tensor 1": lambda m: quantized(m, 1, scale=[1.0] * 4097),
    "1,440,000 elements, at most": lambda m: tensor(m, 0, shape=[1, 1200, 1200, 1]),
    "7 dimensions of tensor 0": lambda m: tensor(m, 0, shape=[1] * 7),
    "2 scales": lambda m: quantized(m, 0, scale=[0.1, 0.2]),
    "no one scale above 0": lambda m: quantized(m, 0, scale=[0.1, 0.2], zeroPoint=[0, 0]),
    "no one scale": lambda m: quantized(m, 0, scale=[float("inf")]),
    "zero point 200": lambda m: quantized(m, 0, zeroPoint=[200]),
    "operand 1 is no constant INT8": lambda m: tensor(m, 1, buffer=0),
    "operand 1 is no constant": lambda m: tensor(m, 1, type=17),
    "operand 1 has 72 B": lambda m: tensor(m, 1, shape=[4, 3, 3, 3]),
    "for 1 of 2 channels; groups": lambda m: tensor(m, 1, shape=[8, 3, 3, 1]),
    "another axis": lambda m: quantized(m, 1, quantizedDimension=3),
    "weights have a zero point": lambda m: quantized(m, 1, zeroPoint=[1] * 4),
    "3 scales for 4 channels": lambda m: quantized(m, 1, scale=[1.0] * 3, zeroPoint=[0] * 3),
    "another scale than the products": lambda m: quantized(m, 2, scale=[1.0] * 4),
    "factor is": lambda m: quantized(m, 1, scale=[1e38] * 4),
    "sums may leave int32": lambda m: data(m, 2, np.full(4, 2**31 - 1, np.int32)),
    "dilated": lambda m: option(m, 0, dilationHFactor=2),
    "windows of 3 in steps of 0": lambda m: option(m, 0, strideH=0),
    "its output has shape": lambda m: option(m, 0, strideH=1),
    "activation function 4": lambda m: option(m, 0, fusedActivationFunction=4),
    "windows of 2000000000 in steps": lambda m: option(m, 3, filterHeight=2 * 10**9),
    "AVERAGE_POOL_2D: input and output have other": lambda m: quantized(m, 8, zeroPoint=[-7]),
    "no Conv2DOptions": lambda m: setattr(m.subgraphs[0].operators[0], "builtinOptions", None),
    "operator TANH is not supported": lambda m: setattr(m.operatorCodes[0], "builtinCode", 28),
    "operator 9999 is": lambda m: setattr(m.operatorCodes[0], "builtinCode", 9999),
    "operator CUSTOM is": lambda m: setattr(m.operatorCodes[0], "builtinCode", 32),
    "2 subgraphs": lambda m: m.subgraphs.append(m.subgraphs[0]),
    "0 subgraphs": lambda m: m.subgraphs.clear(),
    "2 inputs": lambda m: setattr(m.subgraphs[0], "inputs", [0, 0]),
    "0 outputs": lambda m: setattr(m.subgraphs[0], "outputs", []),
    "part 99 of": lambda m: setattr(m.subgraphs[0], "inputs", [99]),
    "part 98 of": lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 98),
    "part 97 of": lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [97]),
    "part 96 of": lambda m: tensor(m, 0, buffer=96),
    "last operator does not write": lambda m: setattr(m.subgraphs[0], "outputs", [1]),
    "write its output": lambda m: m.subgraphs[0].operators.clear(),
    "constant or not computed yet": lambda m: m.subgraphs[0].operators.reverse(),
    "nothing else writes": lambda m: m.subgraphs[0].operators.append(m.subgraphs[0].operators[0]),
    "sparse or a variable": lambda m: tensor(m, 0, isVariable=True),
    "501 operators": lambda m: m.subgraphs[0].operators.extend(m.subgraphs[0].operators[:1] * 494),
    "9 operands": lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [0] * 9),
    "steps of 1/256": lambda m: quantized(m, -1, zeroPoint=[0]),
    "shape .6,., not 4 elements": lambda m: tensor(m, 10, shape=[1, 6]),
}


def tensor(model, at, **fields):
    for name, value in fields.items():
        setattr(model.subgraphs[0].tensors[at], name, value)


def quantized(model, at, **fields):
    for name, value in fields.items():
        setattr(model.subgraphs[0].tensors[at].quantization, name, value)


def option(model, at, **fields):
    for name, value in fields.items():
        setattr(model.subgraphs[0].operators[at].builtinOptions, name, value)


def data(model, at, values):
    buffer = model.buffers[model.subgraphs[0].tensors[at].buffer]
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)


@pytest.mark.parametrize("told", REFUSED)
def test_what_cannot_be_computed_exactly_is_refused(chain, told):
    made = small(chain)
    model = made.model()
    REFUSED[told](model)
    with pytest.raises(TfliteError, match=told) as caught:
        network_of(made.content(model))
    assert "\n" not in str(caught.value)


def test_networks_too_large_for_a_chip_are_refused(content, monkeypatch):
    monkeypatch.setattr(tflite_file, "MAX_WORK", 1000)
    with pytest.raises(TfliteError, match="1,080 operations by its layer 1"):
        network_of(content)


def test_names_that_cannot_be_decoded_do_not_matter(chain):
    made = small(chain)
    made.tensors[0].name = "\x00\n*/" * 1000
    assert network_of(made.content()).layers


@pytest.mark.parametrize("cut", [0, 3, 7, 8, 30])
def test_files_that_are_none_are_refused(content, cut):
    for bytes_ in (content[:cut], b"\x00" * cut, content[:4] + b"TFLX" + content[8:]):
        with pytest.raises(TfliteError):
            network_of(bytes_)


def read_or_refused(changed: bytes) -> None:
    """A damaged file is refused, or is a network that runs and of which C can be made."""
    try:
        network = network_of(changed)
    except TfliteError:
        return
    assert isinstance(network, IntegerNetwork)
    if network.macs < 10**6:
        network.run(np.zeros((1, *network.tensors[0].shape), np.int8))
        assert generate(network).text


CHANGES = st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=400)
@given(changes=CHANGES, cut=st.none() | st.integers(0, 2**20))
def test_damaged_files_are_refused_or_read(content, changes, cut):
    changed = bytearray(content)
    for at, value in changes:
        changed[at % len(changed)] = value
    read_or_refused(bytes(changed[: cut and cut % len(changed)]))


LENGTHS = [0, 1, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1]


@settings(deadline=None, max_examples=200)
@given(at=st.integers(0, 2**20), word=st.sampled_from(LENGTHS))
def test_words_that_are_lengths_or_offsets_may_be_anything(content, at, word):
    at = 4 * (at % (len(content) // 4))
    read_or_refused(content[:at] + word.to_bytes(4, "little") + content[at + 4 :])


# Real speech, where it is there.


@pytest.fixture(scope="module")
def folder() -> Path:
    folder = Path(os.environ.get("COURSE_DATA", "."))
    if not ((folder / ARCHIVE).exists() and (folder / REFERENCE).exists()):
        pytest.skip(f"needs real speech: COURSE_DATA with {ARCHIVE} and {REFERENCE}")
    return folder


@pytest.fixture(scope="module")
def reference(folder) -> IntegerNetwork:
    return read_tflite(folder / REFERENCE)


@pytest.fixture(scope="module")
def speech(folder) -> tuple[np.ndarray, np.ndarray]:
    """Features of every clip, (clips, 49, 10, 1), and the position of its label."""
    import soundfile

    mfcc, samples, labels = features.Mfcc(), [], []
    with tarfile.open(folder / ARCHIVE) as tar:
        manifest = csv.DictReader(io.StringIO(tar.extractfile("manifest.csv").read().decode()))
        for row in manifest:
            sound = io.BytesIO(tar.extractfile(row["file"]).read())
            pcm, _ = soundfile.read(sound, dtype="float32")
            samples.append(np.pad(pcm[:16_000], (0, max(0, 16_000 - len(pcm)))))
            labels.append(LABELS.index(row["label"]))
    parts = torch.from_numpy(np.stack(samples)).split(500)
    found = [mfcc(features.peak_normalized(part)).numpy() for part in parts]
    return np.concatenate(found)[..., None], np.array(labels)


def test_the_reference_file_is_computed_as_tflm_does(folder, reference, speech, oracle):
    codes = reference.codes(speech[0][::19][:200])
    want = oracle((folder / REFERENCE).read_bytes(), codes)
    np.testing.assert_array_equal(reference.run(codes), want)
    assert len(np.unique(want)) > 50
    np.testing.assert_array_equal(bench.deploy(reference, "fast").run(codes), want)


def test_the_reference_file_as_c_on_this_machine_recognises_speech(reference, speech):
    """MLPerf Tiny's int8 network on all 3,927 clips, as for the float one in the feature test."""
    found = bench.run_on_host(generate(reference), reference.codes(speech[0]))
    assert len(found) == 3927
    assert (found.argmax(1) == speech[1]).mean() == pytest.approx(0.910, abs=0.002)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES)
def test_the_reference_file_damaged(folder, changes):
    changed = bytearray((folder / REFERENCE).read_bytes())
    for at, value in changes:
        changed[at % len(changed)] = value
    read_or_refused(bytes(changed))


# The lab's own network, as TensorFlow Lite would have it.


@pytest.fixture(scope="module")
def quantized_lab():
    clips = keywords.load_clips("keywords_synthetic", "train").features()[:100]
    return quantization.quantize_network(checkpoint.load_checkpoint(), clips, weight_bits=8)


def exported(writer, quantized) -> bytes:
    """Write the layers of a quantised network as .tflite, with their own scales."""
    made, codes = writer(), quantized.codes()
    shape = [49, 10, 1]
    at = made.tensor((1, *shape), scale=codes[0].input.scale, zero=codes[0].input.zero_point)
    for layer in codes:
        fields = {"fusedActivationFunction": int(layer.has_relu)}
        if layer.is_pooled:
            out = made.tensor(
                (1, 1, 1, shape[2]), scale=layer.input.scale, zero=layer.input.zero_point
            )
            sizes = {"filterHeight": shape[0], "filterWidth": shape[1], "strideH": 1, "strideW": 1}
            at = made.operator("AVERAGE_POOL_2D", [at], out, "Pool2DOptions", padding=1, **sizes)
        weights, axis, kind = layer.weight_codes, 0, "FULLY_CONNECTED"
        if layer.kind != "linear":
            fields |= {"padding": 0, "dilationHFactor": 1, "dilationWFactor": 1}
            fields |= {"strideH": layer.stride[0], "strideW": layer.stride[1]}
            weights, kind = weights.transpose(0, 2, 3, 1), "CONV_2D"
            shape = [-(-n // s) for n, s in zip(shape, layer.stride, strict=False)]
            if layer.groups > 1:
                weights, axis, kind = weights.transpose(3, 1, 2, 0), 3, "DEPTHWISE_CONV_2D"
                fields["depthMultiplier"] = 1
        shape = [*shape, len(layer.weight_codes)] if kind != "FULLY_CONNECTED" else [12]
        w = made.tensor(weights.shape, scale=layer.weight_scales, data=weights, axis=axis)
        b = made.tensor((len(layer.bias_codes),), data=layer.bias_codes)
        out = made.tensor((1, *shape), scale=layer.output.scale, zero=layer.output.zero_point)
        at = made.operator(kind, [at, w, b], out, OPTIONS[kind], **fields)
    return made.content()


OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
}


def test_the_labs_network_is_computed_as_tflm_does(writer, quantized_lab, oracle):
    network, content = integer_network(quantized_lab), exported(writer, quantized_lab)
    clips = keywords.load_clips("keywords_synthetic", "val").features()[:60].numpy()
    codes = network.codes(clips.transpose(0, 2, 3, 1))
    want = oracle(content, codes)
    np.testing.assert_array_equal(network.run(codes), want)
    np.testing.assert_array_equal(network_of(content).run(codes), want)


def test_the_labs_network_on_real_speech(writer, quantized_lab, oracle, speech):
    network, content = integer_network(quantized_lab), exported(writer, quantized_lab)
    codes = network.codes(speech[0][::39][:100])
    np.testing.assert_array_equal(network.run(codes), oracle(content, codes))
