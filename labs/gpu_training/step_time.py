"""A model of the time of one training step on a cluster: computing, and sending by alpha and beta.

The counts that go in are exact. The machine is assumed: a cluster of nodes with eight H100 GPUs,
as its makers publish it, from a careful to a hopeful reading. It knows no other algorithm than the
ring, no other traffic, no failed or slow node, no loader and no kernel that is shorter than its
launch. Nothing is measured here.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from course_utils import units
from course_utils.records import Result
from labs.gpu_training.counting import formulas
from labs.gpu_training.counting.jobs import Job

NODE_GPUS = 8
# NVIDIA, H100 data sheet, SXM: 989 TFLOPS in TF32 with sparsity, half of that without.
PEAK_FLOP_PER_S = 494.5e12
# The same: NVLink 900 GB/s, both directions together.
NVLINK_BYTES_PER_S = 450e9
# NVIDIA, DGX BasePOD reference architecture, "Core components": a DGX H100 has eight single-port
# ConnectX-7 of up to 400 Gb/s for its eight GPUs.
ADAPTER_BYTES_PER_S = 50e9


@dataclass(frozen=True)
class Link:
    """What a message costs.

    Parameters
    ----------
    alpha_s
        Each message, whatever its size [s].
    bytes_per_s
        What passes then, out of a rank in one direction: 1 / beta.
    """

    alpha_s: float
    bytes_per_s: float


@dataclass(frozen=True)
class Machine:
    """A cluster as the model sees it; all of it is assumed.

    Parameters
    ----------
    flop_per_s
        That a GPU reaches while it computes: its peak times the model FLOP utilisation (MFU).
    inside, between
        Links within a node of `NODE_GPUS`, and of a ring that crosses nodes.
    """

    flop_per_s: float
    inside: Link
    between: Link

    def link(self, ranks: int) -> Link:
        """Return the slowest link of a ring of so many neighbours."""
        return self.inside if ranks <= NODE_GPUS else self.between

    def numbers(self, ranks: int) -> dict[str, float]:
        """Return what exercise 2.12 calls a machine, with the link of so many ranks."""
        return {"flop_per_s": self.flop_per_s, **asdict(self.link(ranks))}


# The latencies are those that NCCL reckons with for one message of a ring over NVLink and over a
# network, with its protocols Simple, LL128 and LL (NVIDIA/nccl:src/graph/tuning.cc, hwLat). Between
# nodes a single ring uses one adapter, eight rings use all; in the middle half of them. The
# utilisations and the shares of NVLink are ours.
MACHINES: Mapping[str, Machine] = {
    "careful": Machine(
        0.2 * PEAK_FLOP_PER_S,
        inside=Link(3.4e-6, 0.5 * NVLINK_BYTES_PER_S),
        between=Link(14e-6, ADAPTER_BYTES_PER_S),
    ),
    "middle": Machine(
        0.35 * PEAK_FLOP_PER_S,
        inside=Link(1.9e-6, 0.7 * NVLINK_BYTES_PER_S),
        between=Link(4.0e-6, 4 * ADAPTER_BYTES_PER_S),
    ),
    "hopeful": Machine(
        0.5 * PEAK_FLOP_PER_S,
        inside=Link(0.6e-6, 0.9 * NVLINK_BYTES_PER_S),
        between=Link(2.7e-6, 8 * ADAPTER_BYTES_PER_S),
    ),
}


def sending_s(collectives: Mapping[str, tuple[int, int]], *, ranks: int, link: Link) -> float:
    """Return the time of collectives on a ring [s].

    Parameters
    ----------
    collectives
        Calls and payload [B] by name.
    ranks
        On the ring.
    link
        Its slowest.

    Examples
    --------
    >>> sending_s({"all_gather": (3, 4000)}, ranks=5, link=Link(0.5, 100.0))
    38.0
    """
    rounds = {name: (2 if name == "all_reduce" else 1) * (ranks - 1) for name in collectives}
    return sum(
        rounds[name] * (calls * link.alpha_s + payload / ranks / link.bytes_per_s)
        for name, (calls, payload) in collectives.items()
    )


def step_s(job: Job, machine: Machine, *, is_overlapped: bool) -> float:
    """Return the time of one step of a job [s].

    Parameters
    ----------
    job
        Its counts come from `labs.gpu_training.counting.formulas`.
    machine
        Assumed.
    is_overlapped
        Whether gradients and weights travel while the GPU computes. What tensor parallelism adds
        up is waited for in any case.
    """
    sent = formulas.collectives(job)
    shared = {n: sent.pop(n) for n in ("all_reduce",) if job.tensor > 1}
    waited_s = sending_s(shared, ranks=job.tensor, link=machine.link(job.tensor))
    # Ranks that share products are neighbours, so those with the same share are on other nodes.
    rest_s = sending_s(sent, ranks=job.replicas, link=machine.link(job.ranks))
    busy_s = formulas.flops(job) / machine.flop_per_s + waited_s
    return max(busy_s, rest_s) if is_overlapped else busy_s + rest_s


def step_ms(job: Job) -> Result:
    """Return the modelled time of one step [ms], from the hopeful to the careful machine.

    All but the careful one overlap sending and computing.
    """
    return _range_ms(lambda machine, hides: step_s(job, machine, is_overlapped=hides))


def formula_ms(job: Job, step_time_s: Callable[..., float]) -> Result:
    """Return the same by a formula as exercise 2.12 asks for it, without tensor parallelism.

    Parameters
    ----------
    job
        Its parameters and its collectives are those of `labs.gpu_training.counting.formulas`.
    step_time_s
        The formula.
    """
    parameters = sum(formulas.elements(group) for group in formulas.groups(job.size))
    tokens, sent = job.batch * job.size.context, formulas.collectives(job)
    first = (parameters, tokens, sent, job.ranks)
    return _range_ms(lambda machine, hides: step_time_s(*first, machine.numbers(job.ranks), hides))


def _range_ms(step: Callable[[Machine, bool], float]) -> Result:
    low, value, high = (
        units.MS_PER_S * float(step(MACHINES[name], name != "careful"))
        for name in ("hopeful", "middle", "careful")
    )
    return Result(value, low, high, n=1, kind="modelled")
