"""Memory: known allocations, sizes against torch.save and numpy.packbits, devices as fakes."""

import io
import time

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_utils import memory
from course_utils.errors import MeasurementError
from course_utils.memory import QuantizedTensor, model_bytes, peak_memory
from course_utils.units import KI, MI

# The kernel counts pages in batches of 64 and more per processor; the interpreter allocates too.
SLACK_BYTES = MI


def touch(size_bytes):
    """Allocate memory and write every page of it."""
    return np.ones(size_bytes, dtype=np.uint8)


def methods():
    try:
        memory._reset_hwm()
    except OSError:
        return ["sampled"]
    return ["kernel", "sampled"]


def forbidden():
    raise PermissionError(13, "Permission denied", "/proc/self/clear_refs")


@pytest.mark.parametrize("method", methods())
def test_a_known_allocation_is_seen_after_it_is_freed(method, monkeypatch):
    if method == "sampled":
        monkeypatch.setattr(memory, "_reset_hwm", forbidden)
    with peak_memory() as peak:
        block = touch(64 * MI)
        time.sleep(0.1)  # the sampling thread gets its turn
        del block
    assert peak.method == method
    assert abs(peak.host_bytes - 64 * MI) < SLACK_BYTES
    assert peak.host_start_bytes > 10 * MI


def test_memory_freed_before_does_not_hide_the_block():
    for _ in range(3):  # without trimming, the second block lives in the first one's free pages
        with peak_memory() as peak:
            touch(16 * MI)[::4096].sum()
        assert peak.host_bytes > 15 * MI


def test_memory_in_use_before_does_not_count():
    held = touch(64 * MI)
    with peak_memory() as peak:
        pass
    assert peak.host_bytes < SLACK_BYTES
    assert held.size == 64 * MI


@pytest.mark.skipif("kernel" not in methods(), reason="the kernel's mark cannot be reset here")
def test_an_inner_block_does_not_spoil_the_outer_one():
    with peak_memory() as outer:
        touch(64 * MI).sum()
        with peak_memory() as inner:
            touch(16 * MI).sum()
    assert abs(inner.host_bytes - 16 * MI) < SLACK_BYTES
    assert abs(outer.host_bytes - 64 * MI) < SLACK_BYTES
    assert memory._Mark._running == []


def test_a_block_that_fails_is_measured():
    def too_much():
        return touch(32 * MI).size / 0

    with pytest.raises(ZeroDivisionError), peak_memory() as peak:
        too_much()
    assert peak.host_bytes > 31 * MI
    assert memory._Mark._running == []


def test_a_kernel_that_forbids_it_leaves_the_thread(monkeypatch):
    monkeypatch.setattr(memory, "_reset_hwm", forbidden)
    with peak_memory() as peak:
        pass
    assert peak.method == "sampled"


def test_the_peak_is_not_known_inside_the_block():
    with peak_memory() as peak:
        with pytest.raises(MeasurementError, match="after the with block"):
            _ = peak.host_bytes
        with pytest.raises(MeasurementError, match="after the with block"):
            _ = peak.device_bytes
        assert "running" in repr(peak)


def test_the_cpu_has_no_device_memory():
    with peak_memory("cpu") as peak:
        pass
    assert peak.device_bytes is peak.device_start_bytes is None
    assert peak.result().n == 1
    assert peak.result().value == peak.host_bytes
    with pytest.raises(MeasurementError, match=r"use result\(\)"):
        peak.device_result()


def test_an_absent_device_is_an_error():
    with pytest.raises(MeasurementError, match="is not one that torch"), peak_memory("tpu"):
        pass


class Allocator:
    """Stands for torch's allocator of a CUDA device."""

    def __init__(self, monkeypatch):
        self.now = self.peak = 1000
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: self.now)
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: self.peak)
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", self.reset)

    def reset(self, device):
        self.peak = self.now

    def use(self, size):
        self.peak = max(self.peak, self.now + size)


def test_device_memory_above_the_start(monkeypatch):
    allocator = Allocator(monkeypatch)
    allocator.use(10_000)  # before the block
    with peak_memory("cuda") as outer:
        allocator.use(500)
        with peak_memory("cuda:0") as inner:
            allocator.use(30)
    assert (inner.device_start_bytes, inner.device_bytes) == (1000, 30)
    assert (outer.device_start_bytes, outer.device_bytes) == (1000, 500)
    assert outer.device_result().value == 500
    assert "cuda +500 B above 1000 B" in repr(outer)


def test_mps_is_sampled(monkeypatch):
    sizes = iter([100, 300, *[200] * 100_000])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: next(sizes))
    with peak_memory("mps") as peak:
        time.sleep(0.1)
    assert (peak.device_start_bytes, peak.device_bytes) == (100, 200)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_real_gpu_allocation_is_seen():
    with peak_memory("cuda") as peak:
        torch.empty(MI, device="cuda").sum()
    assert peak.device_bytes >= 4 * MI


# Bytes of a model


def saved_bytes(model):
    """Oracle: the storages that torch.save writes, read back."""
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    tensors = torch.load(file).values()
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.head = nn.Linear(5, 11)
        self.head.weight = self.embedding.weight
        self.register_buffer("scratch", torch.zeros(1000), persistent=False)
        self.register_buffer("steps", torch.zeros(3, dtype=torch.int64))


MODELS = {
    "linear": lambda: nn.Linear(10, 2),
    "half": lambda: nn.Linear(10, 2).half(),
    "batch norm": lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)),
    "tied": Tied,
    "no parameters": nn.ReLU,
}


@pytest.mark.parametrize("name", MODELS)
def test_model_bytes_are_what_is_saved(name):
    model = MODELS[name]()
    assert model_bytes(model) == saved_bytes(model)


def test_model_bytes_by_hand():
    assert model_bytes(nn.Linear(10, 2).half()) == 2 * (10 * 2 + 2)
    # weight, bias, mean, variance in float32; the number of batches in int64
    assert model_bytes(nn.BatchNorm2d(4)) == 4 * 4 * 4 + 8
    assert model_bytes(Tied()) == 11 * 5 * 4 + 11 * 4 + 3 * 8


def test_two_views_of_one_memory_count_once():
    model = nn.Linear(4, 4, bias=False)
    model.twin = nn.Parameter(model.weight.data)
    assert model_bytes(model) == 4 * 4 * 4


def test_a_model_without_memory_is_counted():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(10, 2), nn.Linear(10, 2))
    assert model_bytes(model) == 2 * 88


def test_a_sparse_tensor_is_named():
    model = nn.Module()
    model.register_buffer("adjacency", torch.eye(3).to_sparse())
    with pytest.raises(MeasurementError, match="adjacency is a Tensor, no dense"):
        model_bytes(model)


# Packed sizes


@given(st.integers(0, 500), st.integers(1, 16))
def test_packing_agrees_with_numpy(elements, bits):
    packed = np.packbits(np.ones(elements * bits, dtype=np.uint8))
    assert QuantizedTensor(elements=elements, bits=bits).size_bytes == packed.size


def test_a_codebook_by_hand():
    # 16 centroids in float32 and 1,001 indices of 4 bits: 64 + ceil(500.5)
    size = QuantizedTensor(elements=1001, bits=4, codebook_entries=16)
    assert size.parts() == {
        "values": 501, "scales": 0, "zero points": 0, "codebook": 64, "mask": 0
    }  # fmt: skip
    assert size.size_bytes == 565


def test_per_channel_int8_with_zero_points_by_hand():
    # 64 channels of 9 weights, a float32 scale and an int8 zero point each: 576 + 256 + 64
    assert QuantizedTensor(elements=576, bits=8, scales=64, zero_points=64).size_bytes == 896


@given(
    st.fixed_dictionaries(
        {
            name: st.integers(0, 1000)
            for name in ("elements", "bits", "scales", "zero_points", "codebook_entries")
        }
    )
)
def test_nothing_shipped_is_free(counts):
    size = QuantizedTensor(**counts)
    assert size.size_bytes == sum(size.parts().values())
    more = QuantizedTensor(**counts | {"scales": counts["scales"] + 1})
    assert more.size_bytes == size.size_bytes + 4


@pytest.mark.parametrize(
    "fields",
    [
        {"elements": -1, "bits": 8},
        {"elements": 1, "bits": 1.5},
        {"elements": 9, "bits": 8, "mask_elements": 8},
    ],
)
def test_sizes_without_sense_are_refused(fields):
    with pytest.raises(MeasurementError):
        QuantizedTensor(**fields)


def test_the_status_file_is_in_kibibytes():
    if "kernel" in methods():
        assert memory._status_bytes("VmRSS") % KI == 0
        rss = psutil.Process().memory_info().rss
        assert abs(memory._status_bytes("VmRSS") - rss) < SLACK_BYTES
