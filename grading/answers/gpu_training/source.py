# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Training on one device and on many
#
# **Time** about 6 and a half hours for the core, exercises 2.1 to 2.17 without those marked as
# extensions, which come last and carry no points. **Hardware** any laptop with 2 cores; no GPU, no
# network. Where there are GPUs, the same notebook uses them without an edit. **Data** parts of
# Shakespeare's plays and, in two extensions, scikit-learn's digits; both come with the lab.
#
# You train a small transformer that writes like Shakespeare, then spread the work over several
# processes, called *ranks*, as large models are trained. Each step is built by hand, proved equal
# to one process, and counted byte by byte, up to a job for a thousand GPUs that you plan.

# %% [markdown]
# ## Goals
#
# After this notebook you can
#
# - time a device that works behind your back, and say how sure the number is,
# - tell where the memory of a training step goes, and spread it over ranks,
# - write the ring all-reduce and data parallelism by hand, and prove both,
# - count what every rank sends in a job for 8 to 1,024 GPUs before it runs,
# - model its time, and say where the model ends,
# - bring a job back, bit for bit, after a rank was killed,
# - defend a plan in a memo with numbers that you measured yourself.

# %% [markdown]
# ## Parameters
#
# Every result below follows from these values. Change one and run everything again, or run it from
# a terminal, for example `lab run gpu_training -p size small -p world_size 4 -o small.ipynb`. On a
# large GPU take `-p size large -p batch 64`.

# %% tags=["parameters"]
size = "tiny"  # of the transformer: tiny, small, medium, large or huge
batch = 16  # sequences of one optimiser step, over all ranks together
steps = 40  # optimiser steps of a training run
world_size = 2  # ranks that really run
bucket_kib = 128  # gradients that travel together, in units of 1,024 bytes
planned_ranks = 64  # ranks of the job that is planned, counted without running it
repeats = 20  # times that a measurement is repeated
seed = 0  # start of every random choice

# %% [markdown]
# ## Background
#
# The workload is a GPT in small: `labs/shared/transformer.py`, short, worth opening. `size` is its
# one knob, from a network that trains on a laptop within a minute to one that fills a large GPU.
# Cells that begin with `# Exercise` are yours. A wrong answer never blocks what follows: a given
# function takes its place and the notebook says so.

# %%
import math

import numpy as np
import torch

from course_utils import plots, records, stats, units
from labs.engine.notebook import best, show_check, show_prediction
from labs.gpu_training import devices, limits
from labs.gpu_training.launching.launcher import launch
from labs.gpu_training.workload import Workload

limits.check(size=size, batch=batch, steps=steps, world_size=world_size)
limits.check(bucket_kib=bucket_kib, planned_ranks=planned_ranks, repeats=repeats, seed=seed)
torch.set_num_threads(1)  # so that times do not depend on the number of cores
rng = np.random.default_rng(seed)
workload = Workload(size=size, batch=batch, steps=steps, seed=seed)
collected = {}  # results that this notebook hands over at its end
devices.describe(world_size)

# %% [markdown]
# ## 1. Measuring correctly
#
# Everything below is compared in milliseconds, so first: how long does a step take? A GPU works
# behind the back of your program. A call hands work over, a *queue* holds it, and the call returns
# at once. Who reads the clock then times the handing over alone. Only after `synchronize` is the
# queue empty.
# A processor has no such queue, but first calls are slow on both, and no two calls are alike.

# %%
import os
import time

from labs.gpu_training import stopwatch, timing_pictures
from labs.gpu_training.simulated_device import SimulatedDevice

# %% [markdown]
# **Predict.** How many times longer does the very first training step take than a later one? And
# how many times longer does a step take while another program keeps every core of the machine
# busy?

# %%
guessed_first_step = None  # times longer than a later step
guessed_load = None  # times longer than on the quiet machine

# %% [markdown]
# **By hand.** To time without a GPU, the lab has a simulated device with a clock of its own, so the
# right answer is known. Handing a job over takes the program 0.5 ms; the first job takes the device
# 24 ms, since it compiles, the next 8 ms, all others 4 ms; and 10 ms of somebody else's work are
# queued already. On the idle device, a warmed-up call therefore takes 0.5 + 4 = 4.5 ms.

# %%
device = SimulatedDevice([24.0, 8.0, 4.0], queued_ms=10.0)
start_ms = device.clock()
device.work()
print(f"after work:        {device.clock() - start_ms:5.1f} ms")
device.synchronize()
print(f"after synchronize: {device.clock() - start_ms:5.1f} ms")

# %% [markdown]
# Neither is 4.5 ms: the first is the handing over, the second holds the 10 ms of others and the
# compiling. A median says more than one time, and its **interval** how sure it is. A time lies
# below the true median with probability 1/2, whatever the distribution. So of 9 times the number B
# below it is binomial, P(B = 0) = 1/512 and P(B = 1) = 9/512. The interval from the second smallest
# to the second largest misses the median with probability 2 x 10/512 = 0.039.

# %% [markdown]
# ### Exercise 2.1: time what you cannot see (6 points, 25 minutes)
#
# `time_calls(work, synchronize, clock, warmup, repeats)` gets three functions without arguments and
# two whole numbers; 6 to 9 lines.
#
# - `work` is first called `warmup` times without being measured, then `repeats` times.
# - A duration begins and ends with an idle device: it holds the whole of one call of `work`, and
#   nothing that was queued before.
# - The durations come back as a list in the order measured, one of each call, in the unit of
#   `clock`.

# %% [markdown]
# `median_interval(times)` returns the three numbers median, low and high of n times, with B
# binomial(n, 1/2); 6 to 9 lines with `math.comb` or `scipy`.
#
# - The median is the time in the middle; of an even number of times, the mean of the two in the
#   middle.
# - With i as large as 2 P(B <= i) <= 0.05 allows, low is the (i + 1)-th smallest of the times and
#   high the (i + 1)-th largest.
# - Fewer than six times raise a `ValueError`: they support no such interval.


# %%
# Exercise 2.1
def time_calls(work, synchronize, clock, warmup, repeats):
    """Return the durations of repeats calls of work, after warmup calls."""
    ### BEGIN SOLUTION
    for _ in range(warmup):
        work()
    durations = []
    for _ in range(repeats):
        synchronize()
        start = clock()
        work()
        synchronize()
        durations.append(clock() - start)
    return durations
    ### END SOLUTION


def median_interval(times):
    """Return median, low and high: a 95 % interval by order statistics."""
    ### BEGIN SOLUTION
    ordered, n = sorted(times), len(times)
    i, missed = -1, 2 / 2**n  # probability with which the next interval misses
    while missed <= 0.05:
        i += 1
        missed += 2 * math.comb(n, i + 1) / 2**n
    if i < 0:
        raise ValueError(f"{n} times support no interval of 95 %; take at least 6")
    return float(np.median(ordered)), ordered[i], ordered[n - 1 - i]
    ### END SOLUTION


# %%
show_check("2.1")

# %% [markdown]
# **One mistake at a time.** Your own function, on the simulated device, with one ingredient spoilt
# in each line. The right answer is 4.5 ms every time. A `synchronize` that does nothing is what a
# program has that never calls it.

# %%
time_calls = best("2.1", time_calls)
median_interval = best("2.1", median_interval)
jobs_ms = [24.0, 8.0, 4.0]
spoilt = {"nothing": (2, True), "no warm-up": (0, True), "no synchronize": (2, False)}
for name, (warmup, waits) in spoilt.items():
    device = SimulatedDevice(jobs_ms, queued_ms=10.0)
    wait = device.synchronize if waits else lambda: None
    times_ms = time_calls(device.work, wait, device.clock, warmup, 6)
    print(f"{name:>14}:", *(f"{ms:5.1f}" for ms in times_ms), " ms")
late = SimulatedDevice(jobs_ms, queued_ms=10.0)
times_ms = time_calls(late.work, late.synchronize, lambda: late.clock() // 10 * 10, 2, 6)
print(f"{'coarse clock':>14}:", *(f"{ms:5.1f}" for ms in times_ms), " ms")

# %% [markdown]
# Without `synchronize` every time is the same and far too short: the more regular a wrong number
# looks, the more it is believed. The coarse clock ticks every 10 ms, and no median repairs it. Now
# the real thing: the first steps of the transformer, beside steps of the same network after warming
# up. On a GPU, a third line shows the times without `synchronize`.

# %% tags=["nbval-ignore-output"]
count = max(repeats, 6)  # fewer support no interval
step = stopwatch.training_step(workload)
cold_s = time_calls(step, devices.synchronize, time.perf_counter, 0, count)
warm_s = time_calls(step, devices.synchronize, time.perf_counter, 3, count)
lines_ms = {"first steps": [1e3 * s for s in cold_s], "after warming up": [1e3 * s for s in warm_s]}
if devices.local().type == "cuda":
    hasty_s = time_calls(step, lambda: None, time.perf_counter, 3, count)
    lines_ms["no synchronize"] = [1e3 * s for s in hasty_s]
figure, axes = plots.new_figure(data="tinyshakespeare", wide=True)
longer = cold_s[0] / median_interval(warm_s)[0]
title = f"The first step takes {longer:.1f} times as long as one after warming up"
timing_pictures.calls_in_order(axes, lines_ms, title=title, x_label="training step [1]")
plots.show(figure, alt=f"Durations of {count} training steps, cold and warm. {title}.")

# %% [markdown]
# A network's first steps allocate memory, choose kernels and create the optimiser's state. How many
# calls warm up is a question to the figure, not to a rule: look where its lines become level. From
# the level part come the results that later sections are compared with.

# %% tags=["nbval-ignore-output"]
step_ms = stopwatch.result_of(warm_s, median_interval, scale=1e3)
first_ms = 1e3 * cold_s[0]
tokens = batch * workload.batch_of(0)[0].shape[1]
collected["step_ms"] = step_ms
collected["first_step_ms"] = records.Result(first_ms, first_ms, first_ms, n=1, kind="measured")
collected["tokens_per_s"] = stopwatch.rate_of(step_ms, items=tokens)
print(step_ms.describe("step_ms"), f"a step of {tokens:,} tokens")
print(collected["tokens_per_s"].describe("tokens_per_s"))
show_prediction("first_step", records.counted(longer), guess=guessed_first_step)

# %% [markdown]
# **Does the interval keep its promise?** Draw times whose true median is known, a thousand times
# over, and count how often your interval holds it. A mean does not even aim at the median: one long
# pause moves it, as the second line shows.

# %%
share = stopwatch.coverage(median_interval, n=count, experiments=1000, rng=rng)
print(f"intervals that hold the true median: {share:.1%}; promised {stopwatch.promised(count):.1%}")
paused = [4.5] * (count - 1) + [90.0]  # one call in which the machine did something else
print(f"one pause: median {median_interval(paused)[0]:.1f} ms, mean {np.mean(paused):.1f} ms")

# %% [markdown]
# **A pause that does not end.** An interval covers what changed *between your repeats*. A program
# that runs all the time slows down every repeat, and no median takes it out: the interval is that
# of a step on a busy machine. Here as many programs as there are cores run while you measure again.

# %% tags=["nbval-ignore-output"]
with stopwatch.busy_cores(os.cpu_count() or 1):
    loaded_s = time_calls(step, devices.synchronize, time.perf_counter, 3, count)
loaded_ms = stopwatch.result_of(loaded_s, median_interval, scale=1e3)
collected["load_slowdown"] = stopwatch.quotient(loaded_ms, step_ms)
print("quiet", step_ms.describe("step_ms"), "  busy", loaded_ms.describe("step_ms"))
show_prediction("load_slowdown", collected["load_slowdown"], guess=guessed_load)

# %% [markdown]
# **Reflect.** Look at your two intervals. Do they overlap, and which of them holds the time that a
# colleague would measure on the same machine tomorrow? A step's time from one process is no repeat
# of an experiment: what else, besides other programs, stays the same within one process and differs
# in the next? In your memo, say how each of your times was taken.

# %% [markdown]
# ## 2. Where the memory goes
#
# A network that trains needs far more memory than its weights. Four things share it:
#
# - **weights**, and as many **gradients**,
# - what the **optimiser** remembers of each parameter: AdamW keeps two running means,
# - **activations**: what the forward pass keeps because the backward pass will ask for it.
#
# The first three follow from the number of parameters, the last from the batch and from what each
# operation needs for its derivative. You write the account, then hold it against a real step.

# %%
from labs.gpu_training import allocations, memory_accounts, memory_pictures
from labs.gpu_training.memory_explorer import MemoryStack
from labs.gpu_training.workload import loss_of
from labs.shared.transformer import SIZES

# %% [markdown]
# **By hand.** Two linear layers, 3 to 5 and 5 to 2 features, with ReLU between them, and a batch of
# 4 in float32. For the gradient of its weights the first layer keeps its input, 4 x 3 numbers. ReLU
# keeps its result, 4 x 5 numbers, since it must know what was positive. The second layer keeps its
# input, which *is* ReLU's result, in the same memory. Nobody keeps the output. That makes 32
# numbers, 128 bytes, and not 52 numbers.

# %% [markdown]
# ### Exercise 2.3: the account of memory (10 points, 35 minutes)
#
# `state_bytes(parameters, precision, *, optimizer)` gets the number of parameters and returns a
# dict with the bytes of `weights`, `gradients` and `optimizer`, in 5 to 9 lines:
#
# - In `float32` a parameter takes 4 bytes of weights and 4 of gradients.
# - In `mixed` it takes 2 and 2, and the optimiser keeps a float32 copy of 4 bytes.
# - Beyond that `sgd` keeps nothing, `momentum` one and `adamw` two float32 numbers a
#   parameter, in either precision.
# - Any other precision or optimiser raises a `ValueError`.

# %% [markdown]
# `activation_bytes(model, x)` runs `model(x)` once and returns the bytes that autograd keeps for
# the backward pass, in 6 to 10 lines. `torch.autograd.graph.saved_tensors_hooks(pack, unpack)` is a
# context in which `pack` is called with every saved tensor; a tensor's memory is its
# `untyped_storage()`, with `data_ptr()` as address and `nbytes()` as size.
#
# - Every storage counts once, with all its bytes, however many saved tensors look at it or at a
#   part of it.
# - Parameters and buffers of the model, and views of them, do not count; the input counts if it is
#   saved.
# - What no backward pass will ask for does not count.


# %%
# Exercise 2.3
def state_bytes(parameters, precision, *, optimizer):
    """Return the bytes of weights, gradients and optimizer, a dict."""
    ### BEGIN SOLUTION
    moments = {"sgd": 0, "momentum": 1, "adamw": 2}
    if precision not in ("float32", "mixed") or optimizer not in moments:
        raise ValueError(f"{precision!r} with {optimizer!r} is not known")
    is_mixed = precision == "mixed"
    one = parameters * (2 if is_mixed else 4)
    kept = 4 * parameters * (moments[optimizer] + is_mixed)
    return {"weights": one, "gradients": one, "optimizer": kept}
    ### END SOLUTION


def activation_bytes(model, x):
    """Return the bytes that model(x) keeps for the backward pass."""
    ### BEGIN SOLUTION
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(x)
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    return sum(held for place, held in saved.items() if place not in own)
    ### END SOLUTION


# %%
show_check("2.3")

# %% [markdown]
# **The real thing.** A training step of `size` with AdamW in float32. Every operation of torch is
# watched, and the bytes of all tensors that are still alive are noted. On CUDA the allocator gives
# the peak as well.
#
# **Predict.** How many bytes do the activations take for each byte of weights?

# %%
guessed_activation_ratio = None  # bytes of activations a byte of weights

# %% tags=["nbval-ignore-output"]
state_bytes, activation_bytes = best("2.3", state_bytes), best("2.3", activation_bytes)
model = workload.model().to(devices.local())
inputs, targets = (part.to(devices.local()) for part in workload.batch_of(0))
states = state_bytes(sum(p.numel() for p in model.parameters()), "float32", optimizer="adamw")
kept_bytes = activation_bytes(model, inputs)
collected["weights_bytes"] = records.counted(states["weights"])
collected["optimizer_bytes"] = records.counted(states["optimizer"])
collected["activation_bytes"] = records.counted(kept_bytes)
ratio = records.counted(kept_bytes / states["weights"])
show_prediction("activation_ratio", ratio, guess=guessed_activation_ratio)

# %% [markdown]
# When is the peak? The gradients are not there yet when the forward pass ends, and the activations
# are gone when the last gradient arrives. So the account of the peak is weights, optimiser and
# activations, and what the loss itself keeps: one logarithm a token for each character that could
# come next.

# %% tags=["nbval-ignore-output"]
held = allocations.step_memory(
    model, workload.optimizer(model), loss=lambda: loss_of(model, inputs, targets=targets)
)
loss_kept_bytes = memory_accounts.loss_bytes_of(SIZES[size], batch=batch)
account_bytes = states["weights"] + states["optimizer"] + kept_bytes + loss_kept_bytes
collected["peak_step_bytes"] = held.peak()
title = f"The account is {account_bytes / held.peak().value:.0%} of the peak of a step"
figure, axes = plots.new_figure(data=f"tinyshakespeare; {size}, batch {batch}", wide=True)
memory_pictures.step_timeline(axes, held, account_bytes=account_bytes, title=title)
plots.show(figure, alt="Bytes alive: rising in the forward pass, falling in the backward pass.")

# %% tags=["nbval-ignore-output"]
compared = {
    "weights": (states["weights"], held.weights_bytes),
    "optimiser": (states["optimizer"], held.optimizer_bytes),
    "after the forward pass": (account_bytes, held.forward_bytes),
    "at the peak": (account_bytes, held.peak().value),
}
for when, (by_account, there) in compared.items():
    print(f"{when:22} {by_account:14,d} B by account, {there:14,.0f} B held")

# %% [markdown]
# The optimiser holds a little more than the account says: a count of its steps for each weight
# matrix. After the forward pass a little is missing: the batch was there before the counting began.
#
# **Reflect.** At which operations of the picture is the account too low, and whose memory is that?
# What would gradients that are kept from step to step, instead of being dropped, do to the peak?

# %% [markdown]
# **In closed form.** For the transformer the activations can be written down without running it:
# each block keeps 16 x width numbers of every token, beside a few sums. Open
# `labs/gpu_training/memory_accounts.py` and find the 16 in `labs/shared/transformer.py`. Note what
# is *not* there: a matrix of tokens times tokens. The fused attention computes it again, piece by
# piece.

# %% tags=["nbval-ignore-output"]
for each in SIZES:
    parameters = memory_accounts.parameters_of(SIZES[each])
    needs = state_bytes(parameters, "float32", optimizer="adamw")
    room = [memory_accounts.most_sequences(SIZES[each], needs, device_gb=gb) for gb in (16, 40, 80)]
    print(f"{each:7} {parameters:13,d} parameters:", *(f"{most:8,d}" for most in room), end=" ")
    print("sequences on 16, 40 and 80 GB")
formula_bytes = memory_accounts.activation_bytes_of(SIZES[size], batch=batch)
print(f"{size}: {formula_bytes:,} B by the formula, {kept_bytes:,} B counted")

# %% [markdown]
# **Turn it.** The stack of one rank, with your `state_bytes`, when states are shared among ranks as
# ZeRO does it: stage 1 shares the optimiser's states, stage 2 the gradients as well, stage 3 also
# the weights. Activations follow from a rank's own batch, and no stage shares them. In `mixed`
# precision they are a model: two bytes a feature.

# %% tags=["nbval-ignore-output"]
MemoryStack(state_bytes)

# %% [markdown]
# **Reflect.** A colleague wants to train `huge` on GPUs of 16 GB. From your table and the stack:
# does one sequence fit, in which precision, and from which stage and number of ranks on? What is
# left to reduce when all states are shared, and which two exercises of this lab are about that?

# %% [markdown]
# ## 3. A big batch in pieces
#
# Activations grow with the batch, and a device has an end. **Gradient accumulation** cuts the batch
# into pieces, runs forward and backward for one piece after the other, and adds up gradients before
# the optimiser makes its one step. The peak is that of one piece, and the result should be that of
# the whole batch. Whether it is depends on what is added, and with which weight.

# %%
from labs.gpu_training import accumulation, memory_pictures, turns

# %% [markdown]
# **By hand.** Texts have different lengths. They are padded to one length, and a target of -100
# says that nothing is to be predicted there. Take a piece with 9 targets that count and a mean loss
# of 1, and one with a single target and a loss of 3. The mean over the 10 targets of the batch is
# (9 x 1 + 1 x 3) / 10 = 1.2. The mean of the two means is 2: the lonely target weighs nine times
# as much as any other. With gradients it is the same.

# %% [markdown]
# ### Exercise 2.4: the same step, in pieces (8 points, 25 minutes)
#
# Write `accumulated_gradients(gradient_of, batch, *, size)`, in 8 to 12 lines. `batch` is a pair,
# codes (characters as whole numbers) and targets, arrays (sequences, tokens) each; a target other
# than -100 counts, and at least one does.
# `gradient_of(x, y)` takes a piece and returns its mean loss, over the targets that count, and a
# list of arrays, its gradients. Return the same two for the whole batch.

# %% [markdown]
# - Loss and gradients are those of the whole batch: each token that counts weighs the same.
# - No piece holds more than `size` sequences, and there are as few pieces as that allows.
# - Each sequence goes to `gradient_of` once, with its own targets.
# - A piece in which no token counts adds nothing: its mean is not a number.
# - The gradients come back in the order and shapes that `gradient_of` gives.


# %%
# Exercise 2.4
def accumulated_gradients(gradient_of, batch, *, size):
    """Return mean loss and gradients of a batch, from pieces of at most size sequences."""
    ### BEGIN SOLUTION
    x, y = batch
    total, loss, gradients = np.sum(y != -100), 0.0, None
    for first in range(0, len(x), size):
        targets = y[first : first + size]
        counted = np.sum(targets != -100)
        if counted == 0:
            continue
        piece_loss, piece = gradient_of(x[first : first + size], targets)
        share = counted / total
        loss += share * piece_loss
        added = [share * gradient for gradient in piece]
        gradients = added if gradients is None else [a + b for a, b in zip(gradients, added)]
    return loss, gradients
    ### END SOLUTION


# %%
show_check("2.4")

# %% [markdown]
# **The real thing.** The transformer, with targets of which a random end does not count. Beside
# your function stands the mean of the means, as the widely used trainer of Hugging Face computed it
# until October 2024: losses of padded batches came out different with and without accumulation
# (`transformers` pull request 34191).

# %% tags=["nbval-ignore-output"]
accumulated_gradients = best("2.4", accumulated_gradients)
model = workload.model().to(devices.local())
codes, targets = workload.batch_of(0)
targets = accumulation.with_padding(targets, np.random.default_rng(seed))
gradient_of = accumulation.gradient_function(model, devices.local())
whole_loss, whole = gradient_of(codes.numpy(), targets.numpy())
pieces = max(1, batch // 4)
padded = (codes.numpy(), targets.numpy())
pieces_loss, summed = accumulated_gradients(gradient_of, padded, size=pieces)
cuts = range(0, batch, pieces)
several = [gradient_of(codes[at : at + pieces], targets[at : at + pieces]) for at in cuts]
naive = [np.mean(each, axis=0) for each in zip(*(parts for _, parts in several), strict=True)]

# %% tags=["nbval-ignore-output"]
difference = accumulation.relative_difference(summed, whole)
collected["accumulation_gradient_difference"] = records.Result(
    difference, difference, difference, n=1, kind="measured"
)
counts = int((targets != accumulation.IGNORED).sum())
allowed = accumulation.rounding_bound(counts, len(cuts))
print(f"loss: {whole_loss:.6f} whole, {pieces_loss:.6f} in {len(cuts)} pieces")
print(f"largest difference of a gradient, by tokens:  {difference:.1e}, rounding {allowed:.1e}")
wrong = accumulation.relative_difference(naive, whole)
print(f"largest difference of a gradient, mean of means: {wrong:.1e}")

# %% [markdown]
# The difference that is left is rounding: a float32 sum in another order. The other is an error,
# and no loss curve shows it: training goes on, on another mixture of the texts than you believe.
#
# **Predict.** With pieces of a single sequence, which share of the whole batch's memory is left?

# %%
guessed_memory_share = None  # peak above the weights, as a share of the whole batch's

# %% tags=["nbval-ignore-output"]
at_device = tuple(part.to(devices.local()) for part in (codes, targets))
sizes = sorted({batch, *(2**power for power in range(8) if 2**power < batch)})
peaks = {each: accumulation.peak_bytes(model, at_device, size=each) for each in sizes}
shares = {each: records.counted(peaks[each] / peaks[batch]) for each in sizes}
show_prediction("memory_share", shares[sizes[0]], guess=guessed_memory_share)

# %% [markdown]
# Memory is counted, time is measured: all sizes in turn, round by round, and only the ratio to the
# whole batch of the same round is kept.

# %% tags=["nbval-ignore-output"]
calls = {
    each: lambda each=each: accumulation.backward_in_pieces(model, at_device, size=each)
    for each in sizes
}
taken = turns.ratios(calls, to=batch, rounds=max(6, repeats // 2))
curves = {"memory, counted": list(shares.items()), "time, measured": list(taken.items())}
memory, duration = shares[sizes[0]].value, taken[sizes[0]].value
title = f"Single sequences take {memory:.0%} of the memory and {duration:.2g} times the time"
figure, axes = plots.new_figure(data=f"tinyshakespeare; {size}, batch {batch}", wide=True)
memory_pictures.against_pieces(axes, curves, y_label="share of the whole [1]", title=title)
plots.show(figure, alt="Memory and time against the sequences of a piece, over the whole batch's.")

# %% [markdown]
# **Reflect.** Memory does not fall to one part in `batch`: what stays, however small the pieces?
# What does your curve say about the time of small pieces, and why would a GPU show it more clearly?
# A batch normalisation in the network, or dropout, would break the equality: why, and for which of
# the two is that a fault?

# %% [markdown]
# ## 4. The ring
#
# Ranks that train together must agree: each holds gradients of its own part of the batch, and all
# need their sum. That is an **all-reduce**. The obvious way, everybody sends everything to one
# rank, which adds up and sends back, makes that rank wait for N - 1 whole arrays, twice.
#
# The ring has no such rank. Rank r only talks to its neighbours: it sends to the right,
# (r + 1) % N, and receives from the left, (r - 1) % N.

# %%
from labs.gpu_training import collectives, cost_model, ring_pictures

# %% [markdown]
# **By hand.** Three ranks hold (1, 2, 3), (10, 20, 30) and (100, 200, 300). Each array is cut into
# N = 3 pieces, here of one number.
#
# - **Reduce-scatter**, N - 1 turns. In the first, rank r sends piece r. Each rank adds what
#   arrives to its own piece of that number, and sends on the piece it has just added to.
# - **All-gather**, N - 1 turns. Now each rank owns one finished piece. It sends that one to the
#   right, then whatever arrived last; a finished piece replaces the old one.

# %% [markdown]
# | turn | rank 0 | rank 1 | rank 2 |
# |---|---|---|---|
# | start | 1, 2, 3 | 10, 20, 30 | 100, 200, 300 |
# | 1, adding | 1, 2, **303** | **11**, 20, 30 | 100, **220**, 300 |
# | 2, adding | 1, **222**, 303 | 11, 20, **333** | **111**, 220, 300 |
# | 3, replacing | **111**, 222, 303 | 11, **222**, 333 | 111, 220, **333** |
# | 4, replacing | 111, 222, **333** | **111**, 222, 333 | 111, **222**, 333 |
#
# Bold is what changed with the message that arrived. All ranks send at the same time, in every
# turn one N-th of the array.

# %% [markdown]
# **A model of its time.** If a message costs alpha, however short it is, and each byte beta more,
# then an all-reduce of S bytes on N ranks takes
#
# t = 2 (N - 1) alpha + 2 (N - 1) / N * S * beta.
#
# The bytes hardly depend on the number of ranks; the number of messages does.
#
# **Predict.** How many bytes does one of 8 ranks send for an array of 1 MiB, 1,048,576 bytes?

# %%
guessed_ring_bytes = None  # bytes that one rank sends, all its messages together

# %% [markdown]
# ### Exercise 2.7: the ring (18 points, 60 minutes)
#
# Write `ring_all_reduce(x, rank, ranks, send, recv)`, about 12 lines. `x` is a float32 array of
# one dimension with at least one element, as long on every rank. `send(to, array)` returns at
# once, `recv(sender)` waits for the next array from that rank. With N = `ranks`:
#
# - On every rank the result is the sum over all ranks, a new float32 array of the shape of `x`.
# - Each rank sends exactly 2 (N - 1) messages, all of them to rank (r + 1) % N.
# - A single rank sends nothing and returns a copy.

# %% [markdown]
# - A message holds ceil(len(x) / N) float32 numbers: where len(x) is no multiple of N, zeros fill
#   the last pieces.
# - All ranks hold the same bits: a piece is summed up once, then handed on.
# - What a rank learns of the others comes through `recv` alone.
#
# The check carries the messages itself. It counts them and their bytes; a sum that took another
# way earns little, and bytes cannot be claimed.

# %% [markdown]
# Then write `fit_alpha_beta(sizes, times, ranks)`, 3 to 6 lines: sizes S in bytes and times in
# seconds, lists or arrays of the same length, measured with 2 or more ranks. It returns `alpha_s`
# and `beta_s_per_byte` of the formula above. From the smallest to the largest size, times differ by
# powers of ten. An error of a millisecond is little for a large array and much for a small one:
#
# - Alpha and beta make the sum of squared relative errors,
#   ((predicted - measured) / measured)^2, the least.
# - Sizes come in any order, and some more than once.


# %%
# Exercise 2.7
def ring_all_reduce(x, rank, ranks, send, recv):
    """Return the sum of x over all ranks, by messages to the right neighbour."""
    ### BEGIN SOLUTION
    right, left = (rank + 1) % ranks, (rank - 1) % ranks
    padded = np.zeros(-(-len(x) // ranks) * ranks, dtype=np.float32)
    padded[: len(x)] = x
    pieces = padded.reshape(ranks, -1)
    for step in range(ranks - 1):
        send(right, pieces[(rank - step) % ranks])
        pieces[(rank - step - 1) % ranks] += recv(left)
    for step in range(ranks - 1):
        send(right, pieces[(rank - step + 1) % ranks])
        pieces[(rank - step) % ranks] = recv(left)
    return padded[: len(x)]
    ### END SOLUTION


def fit_alpha_beta(sizes, times, ranks):
    """Return alpha_s and beta_s_per_byte, with the least squared relative errors."""
    ### BEGIN SOLUTION
    sizes, times = np.array(sizes, dtype=float), np.array(times, dtype=float)
    turns = 2 * (ranks - 1)
    columns = np.stack([turns / times, turns / ranks * sizes / times], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(times)), rcond=None)[0]
    ### END SOLUTION


# %%
show_check("2.7")

# %% [markdown]
# **Counted.** Any number of ranks can be run as functions of this process: slow, but every message
# is seen. The given function, which stands in until yours is right, sends whole arrays around: the
# same sum, at another price.

# %% tags=["nbval-ignore-output"]
ring_all_reduce = best("2.7", ring_all_reduce)
elements = units.MI // 4
traffic = {n: collectives.count(ring_all_reduce, elements=elements, ranks=n) for n in (2, 4, 8)}
for n, rows in traffic.items():
    most = max(row["bytes"] for row in rows)
    print(f"{n} ranks: {rows[0]['messages']:2} messages and {most:9,} bytes from each rank")
collected["ring_bytes"] = records.counted(max(row["bytes"] for row in traffic[8]))
show_prediction("ring_bytes", collected["ring_bytes"], guess=guessed_ring_bytes)

# %% [markdown]
# **Reflect.** From 2 to 8 ranks, by which factor do a rank's bytes grow, by which its messages?
# What does each do with 1,024 ranks, and which of the two would you worry about for a gradient of
# 4 bytes, which for one of 4 GB?

# %% [markdown]
# **The real thing.** One launch starts the ranks as processes. Your function gets a `send` and a
# `recv` that really transmit, over NCCL where every rank has a GPU, otherwise over gloo: the two
# libraries by which torch lets ranks talk. Beside it runs the library's `all_reduce`, on the same
# arrays. All ranks start together, and the slowest one counts.

# %% tags=["nbval-ignore-output"]
timed_ranks = max(2, world_size)
sizes = collectives.sizes_bytes(is_trial=repeats < 10)  # bytes; a trial run takes fewer
job = {"all_reduce": ring_all_reduce, "sizes_bytes": sizes, "repeats": repeats}
launched = launch(collectives.measure, world_size=timed_ranks, arguments=job)
timed = launched.results[0]
print(f"{timed_ranks} ranks over {launched.backend}, {launched.duration_s:.1f} s in all")
print(f"largest relative difference of the sums: {timed['relative_difference']:.1g}")

# %% [markdown]
# Your fit takes all sizes at once, the median of the repeats each. The course's model,
# `labs/gpu_training/cost_model.py`, takes alpha from small sizes and the bandwidth, 1 / beta, from
# large ones, so that neither pays for errors of the other, and adds intervals by drawing the
# repeats anew.

# %% tags=["nbval-ignore-output"]
fit_alpha_beta = best("2.7", fit_alpha_beta)
domain = collectives.domain_of(launched, sizes)
models, samples = {}, {"by hand": timed["ring_s"], "library": timed["library_s"]}
for name, times in samples.items():
    medians = [float(np.median(times[size])) for size in sizes]
    alpha_s, beta_s = fit_alpha_beta(sizes, medians, timed_ranks)
    models[name] = cost_model.fit(times, domain=domain, rng=rng)
    print(f"{name}, one fit: alpha {alpha_s * 1e6:.0f} us, beta {beta_s * 1e9:.3f} ns/B")
    print(f"{name}, two ranges: {models[name]}")

# %% [markdown]
# A model is judged by its errors. The right-hand side shows what is left at each size, of which
# the largest errors usually lie where alpha and bandwidth meet, and where an array no longer fits
# into a cache: both are outside of what two numbers can say.

# %% tags=["nbval-ignore-output"]
figure, axes = plots.new_figure(data=f"random numbers; medians of {repeats} repeats", wide=True)
rows = cost_model.residuals(models["library"], samples["library"])
errors = [abs(row["relative_error"]) for row in rows]
title = f"Two numbers miss the library's times by up to {max(errors):.0%}"
ring_pictures.times_and_errors(axes, models, samples=samples, title=title)
plots.show(figure, alt="Time over size, flat then rising, with the model's lines; its errors.")

# %% tags=["nbval-ignore-output"]
library = models["library"]
alpha, bandwidth = library.alpha_s, library.bandwidth_bytes_per_s
in_us = [1e6 * x for x in (alpha.value, alpha.low, alpha.high)]
collected["allreduce_alpha_us"] = records.Result(*in_us, n=alpha.n, kind="measured")
collected["allreduce_bandwidth_bytes_per_s"] = bandwidth
meeting_bytes = timed_ranks * alpha.value * bandwidth.value
print(f"up to about {units.format_bytes(meeting_bytes)}, most of the time is alpha")

# %% [markdown]
# **Reflect.** How many messages of your transformer's smallest gradient cost as much as one
# message with all gradients? The next section has to choose how many gradients travel together:
# what does the size printed above suggest?

# %% [markdown]
# **Where the model ends.** The same two numbers predict any number of ranks and any size, so they
# are asked for too much. The prediction below therefore carries what speaks against it.

# %% tags=["nbval-ignore-output"]
more = 2 * timed_ranks
for size_bytes, ranks in ((units.MI, timed_ranks), (units.MI, more), (4 * units.KI * units.MI, 64)):
    print(
        f"{size_bytes:,} B, {ranks} ranks: {library.predict('all_reduce', size_bytes, ranks=ranks)}"
    )

# %% [markdown]
# Is the warning right? A run with default parameters measures twice as many ranks on the same
# machine. Where these exceed the cores, they take turns computing, which is no matter of messages.
# With cores or GPUs enough, the prediction may well hold: look at your own machine's ratio.

# %% tags=["nbval-ignore-output"]
if repeats < 10:
    print(f"A trial run leaves {more} ranks out.")
else:
    job = {"all_reduce": ring_all_reduce, "sizes_bytes": sizes[::2], "repeats": repeats}
    crowded = launch(collectives.measure, world_size=more, arguments=job).results[0]["library_s"]
    for size_bytes, times in crowded.items():
        predicted = library.predict("all_reduce", size_bytes, ranks=more).time_s.value
        ratio = float(np.median(times)) / predicted
        print(f"{size_bytes:10,} B on {more} ranks: {ratio:4.1f} times as long as predicted")

# %% [markdown]
# On a cluster ranks inside a node talk by a faster link than nodes do. A hierarchical all-reduce
# uses both. Its figures here are **assumed**, from data sheets, and say so; nobody has measured
# them for you.

# %% tags=["nbval-ignore-output"]
links = cost_model.PUBLISHED
across = {"between": links["InfiniBand NDR"], "ranks_a_node": 8, "nodes": 8}
for size_bytes in (units.KI, units.MI, units.KI * units.MI):
    flat = links["InfiniBand NDR"].predict("all_reduce", size_bytes, ranks=64).time_s
    layered = cost_model.hierarchical_all_reduce(size_bytes, inside=links["NVLink 4"], **across)
    flat_ms, layered_ms = (1e3 * time_s.value for time_s in (flat, layered.time_s))
    print(f"{size_bytes:13,} B: one ring {flat_ms:5.2f} ms, by node {layered_ms:5.2f} ms")
print(*layered.warnings, sep="\n")

# %% [markdown]
# **Reflect.** For which of these sizes does the hierarchy pay most, and is it alpha or the
# bandwidth that it saves there? Name two things that a model fitted on this machine does not know
# about a job on 64 GPUs.

# %% [markdown]
# ## 5. Data parallel, four times by hand
#
# Data parallelism gives every rank the whole network and a part of the batch. Each rank computes
# gradients on its part; then all of them need the **mean** over the ranks, and take the same
# optimiser step. Here all parts are equally large and every target counts, so the mean of means is
# the gradient of the whole batch: nobody can tell from the weights how many ranks there were.
#
# What differs is how the gradients travel: each tensor alone, all at once, in *buckets*, or in
# buckets that leave while backward still works.

# %%
from labs.gpu_training import equality, overlap_pictures, racing, traces
from labs.gpu_training.flat_arrays import cut, join
from labs.gpu_training.strategies import single
from labs.shared import tables

# %% [markdown]
# **By hand.** Two ranks, gradients of three tensors of 8, 8 and 4 bytes, the last one ready first.
# With buckets of 12 bytes, the tensors 2 and 1 travel together, then 0 alone. Each flat array of a
# rank meets that of the other; both get the sum, halve it, and cut it into the old shapes.
# `join(arrays, group)` and `cut(flats, groups, like=arrays)` do the tedious part.

# %%
one = [np.float32([[1, 2]]), np.float32([3, 4]), np.float32([5])]
other = [np.float32([[3, 2]]), np.float32([1, 0]), np.float32([7])]
groups = [[2, 1], [0]]
totals = [join(one, group) + join(other, group) for group in groups]
cut([total / 2 for total in totals], groups, like=one)

# %% [markdown]
# ### Exercise 2.8: gradients that travel together (20 points, 70 minutes)
#
# Write three functions, 3 to 10 lines each. `bucket(sizes_bytes, limit_bytes)` returns a
# list of lists of indices:
#
# - Indices run from the last tensor to the first, because backward makes gradients ready in that
#   order.
# - A bucket takes the next tensor as long as its bytes stay at or below `limit_bytes`; a larger
#   tensor travels alone.

# %% [markdown]
# `average_gradients(gradients, all_reduce, *, ranks, limit_bytes)` has the gradients of one rank,
# all of one dtype. `all_reduce(array)` returns the sum of an array over the ranks.
#
# - Each result is the mean over the ranks, in the order of the parameters, with the shape and the
#   dtype of the gradient.
# - Each bucket of `bucket` travels as one flat array in one call of `all_reduce`.
# - No other byte travels: no padding, and no wider dtype.
#
# A limit of 0 is the naive way, a huge one the flat way.

# %% [markdown]
# `overlapped_step(next_gradient, start, *, wait, buckets, ranks)` returns the same list.
# `next_gradient()` lets backward work and returns the next `(index, gradient)`, or None once all
# are there. `start(array)` begins an all-reduce and returns a ticket at once; `wait(ticket)`
# returns the sum. `buckets` hold every index once.
#
# - A bucket starts as soon as its last gradient is there and every bucket before it has started.
# - Nothing waits before the last gradient is there.
#
# Gradients may come in another order than you expect, and in another one on each rank: what would
# happen if a rank started buckets in its own order?


# %%
# Exercise 2.8
def bucket(sizes_bytes, limit_bytes):
    """Return lists of indices, beginning with the last tensor."""
    ### BEGIN SOLUTION
    buckets = [[]]
    for index in reversed(range(len(sizes_bytes))):
        if sum(sizes_bytes[i] for i in [index, *buckets[-1]]) > limit_bytes:
            buckets.append([])
        buckets[-1].append(index)
    return [group for group in buckets if group]
    ### END SOLUTION


def average_gradients(gradients, all_reduce, *, ranks, limit_bytes):
    """Return the mean of each gradient over the ranks."""
    ### BEGIN SOLUTION
    groups = bucket([gradient.nbytes for gradient in gradients], limit_bytes)
    return cut([all_reduce(join(gradients, g)) / ranks for g in groups], groups, like=gradients)
    ### END SOLUTION


def overlapped_step(next_gradient, start, *, wait, buckets, ranks):
    """Return the mean of each gradient over the ranks, sent while backward works."""
    ### BEGIN SOLUTION
    own, tickets = {}, []
    for group in buckets:
        while not own.keys() >= set(group):
            own.update([next_gradient()])
        tickets.append(start(join(own, group)))
    return cut([wait(ticket) / ranks for ticket in tickets], buckets, like=own)
    ### END SOLUTION


# %%
show_check("2.8")

# %% [markdown]
# **The real thing.** One launch trains the transformer for three steps by every strategy, ours and
# with your functions plugged in, then times them in turn, round by round. Open
# `labs/gpu_training/strategies`: one short module each. `overlapped.py` hangs a hook on every
# parameter; your version gets its gradients from a backward pass in a thread of its own. DDP is
# torch's `DistributedDataParallel`.
#
# **Predict.** How many messages does a bucketed step send?

# %%
guessed_messages = None  # all-reduces of a step with buckets of bucket_kib

# %% tags=["nbval-ignore-output"]
average_gradients = best("2.8", average_gradients)
overlapped_step = best("2.8", overlapped_step)
equal_work = Workload(size=size, batch=batch, steps=3, learning_rate=3e-4, seed=seed)
own_functions = {"bucketed": average_gradients, "overlapped": overlapped_step}
options = {"workload": equal_work, "bucket_bytes": 1024 * bucket_kib}
options |= {"own": own_functions, "rounds": repeats}
launched = launch(racing.race, world_size=world_size, arguments=options, timeout_s=600)
raced = launched.results[0]
sent = raced["trained"]["bucketed"]["messages"][-1]
show_prediction("messages", records.counted(sent), guess=guessed_messages)

# %% [markdown]
# One process with the whole batch is the answer that all must reproduce. Rounding differs: a rank
# sums over its part of the batch first, and the ranks' sums are added in an order that the network
# chooses. Messages and bytes are those that one rank gives to its all-reduces in a step.

# %% tags=["nbval-ignore-output"]
alone = single.train(equal_work, device="cuda" if launched.backend == "nccl" else "cpu")
rows = racing.comparison(raced["trained"], alone["weights"])
differences = [
    equality.largest_difference(run["weights"], alone["weights"])
    for run in raced["trained"].values()
]
collected["max_weight_difference"] = records.counted(max(differences))
print(f"largest difference in any weight after 3 steps: {max(differences):.2g}")
tables.Table(rows)

# %% [markdown]
# **Reflect.** Which strategies end with the very same bits, which do not? With two ranks, a + b is
# b + a, so all may. With more ranks an all-reduce adds in an order that depends on where a number
# stands in its message. Run with `-p world_size 4` and look again: who shares bits with whom, and
# why?

# %% tags=["nbval-ignore-output"]
ratios = racing.step_ratios(raced["step_s"], to="naive")
for name, ratio in list(ratios.items())[1:]:
    verdict = "a difference is shown" if racing.is_resolved(ratio) else "no difference shown"
    print(f"{name}: {ratio.describe('ratio')} of the naive step, {verdict}")
collected["overlapped_step_ratio"] = ratios["overlapped"]

# %% [markdown]
# Each ratio is taken within a round, so that a busy machine slows both. On cores that are shared
# with the ranks themselves, overlap has little to win: who adds the numbers of an all-reduce takes
# the core from backward. On GPUs the network works beside them.
#
# **Where the time goes.** The profiler recorded some bucketed and overlapped steps on rank 0. An
# all-reduce lasts from its start until the slower rank has sent its part, so it also holds the time
# that one rank waits for the other.

# %% tags=["nbval-ignore-output"]
shares = {name: racing.hidden_shares(steps) for name, steps in raced["traces"].items()}
collected["hidden_share"] = shares["overlapped"]
for name, share in shares.items():
    print(f"{name}: {share.describe('share')} of the time of all-reduces hides behind backward")
shown = {name: racing.typical(steps) for name, steps in raced["traces"].items()}
lanes = {
    f"{name}: {lane}": [(start / 1e3, end / 1e3) for start, end in intervals]
    for name, trace in shown.items()
    for lane, intervals in traces.timeline(trace).items()
}
hidden = traces.hidden_share(traces.timeline(shown["overlapped"]))
title = f"With overlap, {hidden:.0%} of the all-reduces of this step hide behind backward"
figure, axes = plots.new_figure(data="tinyshakespeare", wide=True)
overlap_pictures.lanes(axes, lanes, title=title)
plots.show(figure, alt="Bars over time: all-reduces after backward, then below it, at once.")

# %% tags=["nbval-ignore-output"]
traces.Download(shown["overlapped"], name="overlapped_step")

# %% [markdown]
# Click on the file to save it, and drop it into https://ui.perfetto.dev, which reads it in the
# browser and sends it nowhere. It holds every operator of that step: find `gloo:all_reduce` (on
# GPUs, kernels named `nccl`) in the lanes of other threads.
#
# **Reflect.** The last bucket can never hide: which layer is in it, and what would you do about it?
# Halve and double `bucket_kib`: which cost grows with more buckets, which with fewer?

# %% [markdown]
# ## 6. Optimiser states in pieces
#
# In data parallelism every rank holds the same weights, the same averaged gradients and the same
# moments of AdamW, and does the same arithmetic on them. Eight ranks store eight copies of what
# one could have stored. **ZeRO** (zero redundancy optimiser) shares them out in three stages:
#
# - stage 1: each rank keeps the optimiser's state of its own piece of the weights,
# - stage 2: it also keeps the averaged gradients of that piece alone,
# - stage 3: it also keeps the weights of that piece alone and fetches the others when needed.

# %% [markdown]
# An all-reduce is two halves, as in your ring: a **reduce-scatter** leaves each rank with one piece
# of the sum, an **all-gather** hands all pieces to everyone. Stage 1 updates the weights between
# the two halves:
#
# - reduce-scatter the gradients: this rank gets the sum of its piece,
# - change its piece of the weights with its piece of the moments,
# - all-gather the new weights.
#
# It sends the same bytes as before. It works because AdamW treats each weight by itself.

# %% [markdown]
# **AdamW.** In step t, counted from 1, with gradient g and learning rate r:
#
# - mean: m = 0.9 m + 0.1 g, square: v = 0.999 v + 0.001 g²,
# - corrected for their start at 0: M = m / (1 - 0.9^t), V = v / (1 - 0.999^t),
# - decay, then step: w = (1 - 0.01 r) w - r M / (sqrt(V) + 1e-8).
#
# Two numbers of state a weight: in float32 twice the bytes of the weights.

# %% [markdown]
# **By hand.** Five weights on two ranks. One zero is added, so that each rank has a piece of three.
# The gradients of rank 0 and of rank 1, and what rank 1 is left with:

# %%
by_rank = np.float32([[2, 0, 4, 2, 6], [0, 2, 0, 2, 2]])
padded = np.pad(by_rank, ((0, 0), (0, 1)))
own_sum = padded.sum(axis=0)[3:]
print(f"sums on rank 1: {own_sum}, means {own_sum / 2}; the last one belongs to no weight")

# %% [markdown]
# ### Exercise 2.9: optimiser states in pieces (14 points, 50 minutes)
#
# Write three functions in NumPy, 4 to 10 lines each. All arrays are flat and float32.
#
# `adamw_update(weights, gradient, *, state, learning_rate)` returns new weights and a new state.
# The state is a dict with `step`, the number of steps so far, and the arrays `mean` and `square`.
#
# - The new weights are those of AdamW with the formulas and constants above.
# - The new state counts one step more and holds both new running means.

# %% [markdown]
# `zero1_step(weights, gradient, *, place, update, reduce_scatter, all_gather)` returns all new
# weights. `place` is `(rank, ranks)`. `reduce_scatter(array)` returns this rank's piece of the sum
# over the ranks, `update(weights, gradient)` the new weights of a piece, `all_gather(array)` the
# pieces of all ranks, joined.
#
# - `reduce_scatter` is called once, with all gradients of this rank followed by as few
#   zeros as make their number a multiple of the ranks.
# - `update` is called once, with this rank's piece of the weights, padded likewise, and
#   the mean over the ranks of its gradients.
# - `all_gather` is called once, with the piece that `update` returned; what comes back
#   is cut to the number of weights.

# %% [markdown]
# - Nothing changes its type: what is sent has the type of the weights.
# - It also works on a single rank, and with more ranks than weights.
#
# `bytes_per_rank(parameters, ranks, *, stage, precision)` returns a dict with the bytes of
# `weights`, `gradients` and `optimizer` that a rank holds. A parameter takes 4, 4 and 8 bytes in
# `"float32"`. In `"mixed"` it takes 2, 2 and 12: weights and gradients have 16 bits, and the
# optimiser keeps the weights in float32 beside its moments.
#
# - Stage 0 splits nothing, stage 1 the optimiser's part, stage 2 also the gradients, stage 3 also
#   the weights.
# - A part that is split counts one rank's piece, its padding included.


# %%
# Exercise 2.9
def adamw_update(weights, gradient, *, state, learning_rate):
    """Return new weights and a new state with step, mean and square."""
    ### BEGIN SOLUTION
    step = state["step"] + 1
    mean = 0.9 * state["mean"] + 0.1 * gradient
    square = 0.999 * state["square"] + 0.001 * gradient**2
    change = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    new = (1 - 0.01 * learning_rate) * weights - learning_rate * change
    return new, {"step": step, "mean": mean, "square": square}
    ### END SOLUTION


def zero1_step(weights, gradient, *, place, update, reduce_scatter, all_gather):
    """Return all new weights; this rank updates its own piece alone."""
    ### BEGIN SOLUTION
    rank, ranks = place
    padding = (0, -len(weights) % ranks)
    mean = reduce_scatter(np.pad(gradient, padding)) / ranks
    own = np.pad(weights, padding).reshape(ranks, -1)[rank]
    return all_gather(update(own, mean))[: len(weights)]
    ### END SOLUTION


def bytes_per_rank(parameters, ranks, *, stage, precision):
    """Return a dict with the bytes of weights, gradients and optimizer."""
    ### BEGIN SOLUTION
    each = (4, 4, 8) if precision == "float32" else (2, 2, 12)
    held = [-(-parameters // (ranks if stage >= first else 1)) for first in (3, 2, 1)]
    return dict(zip(("weights", "gradients", "optimizer"), np.multiply(each, held).tolist()))
    ### END SOLUTION


# %%
show_check("2.9")

# %% [markdown]
# **The real thing.** The same job, three times, on ranks that really run: your ZeRO-1 in
# `labs/gpu_training/strategies/zero1.py`, the library's `ZeroRedundancyOptimizer`, and torch's
# fully sharded data parallelism, **FSDP2**, which is stage 3: it gathers the weights of a block
# before each use and frees them after it.
#
# **Predict.** In data parallelism a rank sends its gradients in an all-reduce. How many times as
# many bytes does a rank send with FSDP2?

# %%
guessed_sent_ratio = None  # bytes sent with FSDP2, as a multiple of data parallelism

# %% tags=["nbval-ignore-output"]
from labs.gpu_training import sharding

adamw_update = best("2.9", adamw_update)
zero1_step = best("2.9", zero1_step)
numbers = (world_size, 2 * world_size) if steps >= 40 and world_size <= 2 else (world_size,)
job = Workload(size=size, batch=4 * numbers[-1], steps=3, learning_rate=1e-4, seed=seed)
trained = {
    n: sharding.compare(zero1_step, adamw_update, workload=job, world_size=n) for n in numbers
}
parameters = sum(p.numel() for p in job.model().parameters())
ratio = trained[world_size]["fsdp2"].times_data_parallel(parameters)
show_prediction("sent_ratio", records.counted(ratio), guess=guessed_sent_ratio)

# %% [markdown]
# An all-reduce counts twice, as its two halves. FSDP2 gathers a block's weights for the forward
# pass and again for the backward pass; what stands outside of the blocks is gathered once.
#
# Below, the weights after three steps are compared with those of one process. All three strategies
# do the same sums in another order, so only rounding is left.

# %% tags=["nbval-ignore-output"]
for n, found in trained.items():
    for name, each in found.items():
        sent = units.format_bytes(each.sent_bytes())
        print(f"{sharding.NAMES[name]}, {n} ranks: {sent} sent by a rank in a step, ", end="")
        print(f"weights differ by at most {each.difference:.1e}")
for name in ("zero1", "fsdp2"):
    difference = max(found[name].difference for found in trained.values())
    collected[f"{name}_weight_difference"] = records.counted(difference)

# %% [markdown]
# **Reflect.** The library's ZeRO-1 averages all gradients on every rank and then has each rank
# broadcast its new weights. Compare what it sends with yours. Which of the two halves of the
# all-reduce does it not need?

# %% tags=["nbval-ignore-output"]
bytes_per_rank = best("2.9", bytes_per_rank)
alone = bytes_per_rank(parameters, 1, stage=0, precision="float32")
held = {name: each.fullest() for name, each in trained[numbers[-1]].items()}
share = {name: sum(parts.values()) / sum(alone.values()) for name, parts in held.items()}
title = f"{numbers[-1]} ranks: ZeRO-1 holds {share['zero1']:.0%} of one process, "
title += f"FSDP2 {share['fsdp2']:.0%}"
figure, axes = plots.new_figure(wide=True)
sharding.draw_held(axes, alone, trained=list(trained.values()), title=title)
plots.show(figure, alt="Stacked bars of bytes held by strategy: weights, gradients, optimiser.")

# %% [markdown]
# These are the sizes of the tensors that a rank holds between two steps, counted. Activations come
# on top, and so does what FSDP2 gathers for a moment. Does your formula give the same bytes?

# %% tags=["nbval-ignore-output"]
rows = []
for name, stage in (("zero1", 1), ("fsdp2", 3)):
    for n, found in trained.items():
        formula = bytes_per_rank(parameters, n, stage=stage, precision="float32")
        for part, size_bytes in found[name].fullest().items():
            row = {"strategy": sharding.NAMES[name], "ranks": n, "part": part}
            rows.append(row | {"your formula [B]": formula[part], "fullest rank [B]": size_bytes})
display(tables.Table(rows))
fullest = {name: trained[world_size][name].fullest() for name in ("zero1", "fsdp2")}
collected["optimizer_bytes_per_rank"] = records.counted(fullest["zero1"]["optimizer"])
collected["fsdp2_state_bytes_per_rank"] = records.counted(sum(fullest["fsdp2"].values()))

# %% [markdown]
# FSDP2 does not cut one flat array: it gives each rank some rows of every tensor. The 65 rows of
# an embedding cannot be shared out evenly, so one rank holds a row more than another.
#
# **On paper, for a model that needs it.** The example of those who proposed ZeRO (Rajbhandari and
# others, 2020), 7.5 billion parameters in mixed precision, on `planned_ranks` GPUs:

# %%
for stage in range(4):
    parts = bytes_per_rank(7_500_000_000, planned_ranks, stage=stage, precision="mixed")
    print(f"stage {stage}: {sum(parts.values()) / units.BYTES_PER_GB:.1f} GB on each GPU")

# %% [markdown]
# **Reflect.** Stages 1 and 2 send what data parallelism sends, stage 3 half as much again. From
# which stage on would this model fit your GPUs, and is more than that worth its bytes? AdamW
# changes each weight by itself. Clipping gradients by the norm of all of them does not: which
# number must the ranks send before their update, and how large is it?

# %% [markdown]
# ## 7. A job for a thousand GPUs
#
# You have two ranks and plan for 1,024. What such a job sends and holds need not be guessed: torch
# itself can take the step of one rank among 1,024 that are not there. On **fake ranks** collectives
# do nothing, and tensors have shapes but no memory, so the step runs on a laptop while a counter
# looks on. The counts are exact. Times are not among them: for those you need a model.

# %%
from labs.gpu_training import step_time
from labs.gpu_training.counting import comparison, fake_ranks, formulas, real_ranks
from labs.gpu_training.counting.jobs import Job
from labs.gpu_training.plan_explorer import PlanExplorer
from labs.shared import tables
from labs.shared.transformer import SIZES

# %% [markdown]
# **Two strategies.** With `ddp` each rank holds all weights, and gradients are averaged. With
# `fsdp2`, torch's name for ZeRO-3, a rank holds 1/N of the rows of every tensor. The weights of a
# *group*, here a block of the transformer, are gathered just before it computes, and freed after.
# The backward pass gathers them again, then scatters the summed gradients. The first group, with
# all that stands outside of the blocks, is not freed in between.

# %% [markdown]
# **By hand.** Four ranks, two groups, 4 bytes an element: a first group with one tensor (5, 2), and
# a block with tensors (4, 3) and (3,).
#
# - `ddp` all-reduces 10 + 12 + 3 = 25 elements, 100 bytes.
# - `fsdp2` cuts rows. 5 rows do not go into 4 ranks: 2 each make 8 rows, 16 elements with
#   *padding*. The block has 12, and 3 padded to 4, also 16.
# - So it gathers 64 bytes once and 64 twice, 192 in all, and reduce-scatters 128.
#
# These are **payloads**, sizes of the whole tensors. A ring sends 2 (N - 1)/N of an all-reduce's
# payload out of each rank, and (N - 1)/N of the other two's.

# %% [markdown]
# ### Exercise 2.12: planning a job (8 points, 40 minutes)
#
# `groups` is a list of groups, each a list of shapes. All functions take `strategy`, `"ddp"` or
# `"fsdp2"`, `groups`, the number of `ranks` and `element_bytes`. `collective_bytes`, 5 to 8 lines,
# returns a dict with the payload of a step under `all_reduce`, `all_gather` and `reduce_scatter`:
#
# - With `ddp` every gradient is all-reduced once and nothing else is sent.
# - With `fsdp2` the rows of each tensor, its first dimension, are padded to a multiple of the
#   ranks; padding is sent and held like the rest.
# - With `fsdp2` the first group is gathered once a step and every other group twice; the gradients
#   of every group are reduce-scattered once.
# - All three names are in the answer, with 0 for what is not used.

# %% [markdown]
# `bytes_held`, 2 to 4 lines, returns what the fullest rank keeps.
#
# - A rank holds four copies of its part of the weights: weights, gradients, and the two moments of
#   AdamW.
#
# `step_time_s(parameters, tokens, collectives, ranks, machine, is_overlapped)`, 5 to 8 lines,
# models a step [s]. `tokens` are one rank's. The dict `collectives` maps names to (calls, payload
# bytes), the dict `machine` has `flop_per_s` (floating-point operations), `alpha_s`, `bytes_per_s`.
#
# - Computing takes 6 FLOP for each parameter and each token.
# - On N ranks a call sends N - 1 messages one after the other, an all-reduce 2 (N - 1); each costs
#   `alpha_s`, and carries 1/N of the call's payload.
# - With `is_overlapped` the step takes the longer of computing and sending, otherwise their sum.


# %%
# Exercise 2.12
def collective_bytes(strategy, groups, ranks, element_bytes=4):
    """Return the payload bytes of a step as {"all_reduce": ..., "all_gather": ..., ...}."""
    ### BEGIN SOLUTION
    n = ranks if strategy == "fsdp2" else 1
    sizes = [sum(-(-s[0] // n) * n * math.prod(s[1:]) for s in group) for group in groups]
    once, twice = element_bytes * sum(sizes), element_bytes * sum(sizes[1:])
    sent = [once, 0, 0] if strategy == "ddp" else [0, once + twice, once]
    return dict(zip(("all_reduce", "all_gather", "reduce_scatter"), sent))
    ### END SOLUTION


def bytes_held(strategy, groups, ranks, element_bytes=4):
    """Return the bytes that one rank holds between steps."""
    ### BEGIN SOLUTION
    n = ranks if strategy == "fsdp2" else 1
    return 4 * element_bytes * sum(-(-s[0] // n) * math.prod(s[1:]) for g in groups for s in g)
    ### END SOLUTION


def step_time_s(parameters, tokens, collectives, ranks, machine, is_overlapped=False):
    """Return the modelled time of one step [s]."""
    ### BEGIN SOLUTION
    compute_s, sent_s = 6 * parameters * tokens / machine["flop_per_s"], 0.0
    for name, (calls, payload) in collectives.items():
        messages = (2 if name == "all_reduce" else 1) * (ranks - 1)
        sent_s += messages * (calls * machine["alpha_s"] + payload / ranks / machine["bytes_per_s"])
    return max(compute_s, sent_s) if is_overlapped else compute_s + sent_s
    ### END SOLUTION


# %%
show_check("2.12")

# %% [markdown]
# **The real thing.** Torch shards your transformer over 8, 64 and 1,024 fake ranks, and takes a
# step as one of them.
#
# **Predict.** On 1,024 ranks, how many bytes does `fsdp2` gather in a step for each byte of the
# `tiny` network? Look at its shapes first; without padding it would be a little under 2.

# %%
guessed_gathered = None  # bytes gathered for each byte of the network
print(*dict.fromkeys(shape for group in formulas.groups(SIZES["tiny"]) for shape in group))

# %%
many = [Job(s, SIZES["tiny"], ranks) for ranks in (8, 64, 1024) for s in ("ddp", "fsdp2")]
planned = [Job(s, SIZES["large"], planned_ranks, batch=8) for s in ("ddp", "fsdp2")]
beside = [Job(s, SIZES["tiny"], world_size) for s in ("ddp", "fsdp2")]
found = fake_ranks.count([*many, *planned, *beside])
_, whole = found[4].collectives["all_reduce"]  # ddp on 1,024 ranks: all weights once
_, gathered = found[5].collectives["all_gather"]
ratio = records.counted(gathered / whole)
show_prediction("gathered_ratio", ratio, guess=guessed_gathered)

# %% [markdown]
# Here is your formula against every count, also for the `large` network on `planned_ranks` ranks,
# which is the job of the memo at the end. `held` is weights, gradients and moments of rank 0.

# %%
collective_bytes, bytes_held = best("2.12", collective_bytes), best("2.12", bytes_held)
own = {"collective_bytes": collective_bytes, "bytes_held": bytes_held}
rows = comparison.formula_rows([*many, *planned], found[:8], **own)
tables.Table(rows, caption=comparison.summary(rows))

# %% [markdown]
# Fake ranks are worth what real ones confirm. So the same step runs on your `world_size` real
# ranks, under the same counter. A trial run with few steps leaves this out.

# %% tags=["nbval-ignore-output"]
if steps > 10:
    real = real_ranks.count(beside)
    rows = comparison.real_rows(beside, fake=found[8:], real=real)
    display(tables.Table(rows, caption=comparison.summary(rows)))

# %%
ddp, fsdp2 = found[6:8]
collected["ddp_bytes_per_step"] = records.counted(comparison.sent_bytes(ddp))
collected["fsdp2_bytes_per_step"] = records.counted(comparison.sent_bytes(fsdp2))
held = comparison.held_bytes(fsdp2) + fsdp2.activation_bytes
collected["planned_memory_bytes"] = records.counted(held)

# %% [markdown]
# **Reflect.** FSDP2 sends about three times the payload of DDP. As a ring carries it, how many
# times the bytes leave a rank? And why does cutting `tiny` over 1,024 ranks send so much more, for
# less and less held? Which dimension of the network would you want larger than the ranks?

# %% [markdown]
# **Time, by a model.** The machine is *assumed*: nodes of eight H100 as NVIDIA publishes them,
# 494.5 TFLOP/s in TF32 without sparsity, 450 GB/s of NVLink each way, an adapter of 400 Gb/s for
# each GPU; latencies are those that NCCL reckons with. Nobody reaches such peaks, so there are
# three machines: *careful*, *middle*, *hopeful*. Open `labs/gpu_training/step_time.py` for each
# number and its source.

# %%
step_time_s = best("2.12", step_time_s)
modelled = {
    name: [
        (ranks, step_time.formula_ms(Job(name, SIZES["large"], ranks, batch=8), step_time_s))
        for ranks in (8, 16, 64, 256, 1024)
    ]
    for name in ("ddp", "fsdp2")
}
collected["planned_step_ms"] = step_time.formula_ms(planned[1], step_time_s)
print(collected["planned_step_ms"].describe("planned_step_ms"))

# %%
apart = [r.high / r.low for _, r in modelled["fsdp2"]]
times = f"{min(apart):.1f} to {max(apart):.1f} times"
title = f"FSDP2: the careful machine takes {times} as long as the hopeful"
figure, axes = plots.new_figure(data="none, a model")
axes.set_xscale("log", base=2)
axes.xaxis.set_major_formatter("{x:,.0f}")
labels = {"x_label": "ranks [1]", "y_label": "time of a step [ms]"}
plots.learning_curve(axes, modelled, title=title, **labels)
plots.show(figure, alt="Modelled time of a step against ranks, with wide intervals, for two ways.")

# %% [markdown]
# What the model does not know: trees, which need far fewer messages than a ring of 1,024; other
# jobs on the same switches; a slow node, for which all wait; loading, kernels too short for their
# launch, and how well sending hides behind computing. It was never fitted to this cluster, and the
# fit of your own all-reduce is one of two processes that share memory. Its interval is a range of
# assumptions, not of measurements.

# %% [markdown]
# **A plan to turn.** Below are three strategies side by side; the third shares each product between
# four neighbours as well. Bytes are counted, what is gathered at the worst moment and all times are
# modelled. In JupyterLab, sliders change size, ranks and the sequences of each rank.

# %%
PlanExplorer(size="large", ranks=64, batch=8)

# %% [markdown]
# **Reflect.** For `large` on 64 GPUs of 80 GB, is there any need to shard? What takes the memory
# that is left, and which other means of this lab shrinks it? Find a size and a number of ranks
# where `ddp` no longer fits 40 GB and `fsdp2` does. Which of these numbers would you bet on, and
# which would you measure first?

# %% [markdown]
# ### A job that fails
#
# A large job does not fail *if*, it fails *when*: sooner the more ranks it has, since one that dies
# stops all. What saves the work are **checkpoints**: from time to time every rank writes its state
# to a file. After a failure the job starts anew from the last one. What belongs into
# a state, and how often should it be written?

# %%
import copy
import tempfile

from labs.gpu_training import failing_pictures, failures, resuming
from labs.gpu_training.launching.errors import RankError

# %% [markdown]
# **The state.** `labs/gpu_training/failing.py` holds the class `Job`; open it. A job has a network,
# `model`, an `optimizer` (AdamW), a `scheduler` that lowers the learning rate, a `generator` of
# torch that draws which characters are blanked, and two whole numbers, `step` and `position`, its
# place in the text. `job.advance(steps)` trains. All of that decides what the next step does.

# %% [markdown]
# ### Exercise 2.16: a job that fails (3 points, 15 minutes)
#
# `pack(job)` returns the state of a job as plain data: dicts with texts or whole numbers as keys,
# lists, numbers, texts, arrays and tensors. `unpack(job, packed)` puts it into another job of the
# same form; 2 to 8 lines each. It may live in another process; on the way,
# arrays become tensors.
#
# - After `unpack`, weights, optimiser, schedule, generator, `step` and `position` of the new job
#   are those of the packed one.
# - Advanced by as many steps, the new job and one that was never disturbed agree bit for bit.
# - What is packed stays as it is while its job goes on.
# - The same packed state can be unpacked again, after the job it first went into has gone on.


# %%
# Exercise 2.16
def pack(job):
    """Return the state of a job as plain data."""
    ### BEGIN SOLUTION
    states = [part.state_dict() for part in (job.model, job.optimizer, job.scheduler)]
    return copy.deepcopy([*states, job.generator.get_state(), job.step, job.position])
    ### END SOLUTION


def unpack(job, packed):
    """Put a packed state into another job of the same form."""
    ### BEGIN SOLUTION
    *states, generator, job.step, job.position = copy.deepcopy(packed)
    for part, state in zip((job.model, job.optimizer, job.scheduler), states):
        part.load_state_dict(state)
    job.generator.set_state(generator)
    ### END SOLUTION


# %%
show_check("2.16")

# %% [markdown]
# **A rank dies.** Your `pack` now serves a real job: `world_size` ranks train, each saves its state
# every quarter of the steps, and in the middle of a later step the last rank is killed without a
# word. Files count only when they are complete and on the disk: `labs/gpu_training/checkpoints.py`.

# %% tags=["nbval-ignore-output"]
pack = best("2.16", pack)
unpack = best("2.16", unpack)
place = tempfile.TemporaryDirectory(prefix="checkpoints-")
every = max(1, steps // 4)
saving = {"workload": workload, "folder": place.name, "every": every}
saving |= {"pack": pack, "unpack": unpack}

# %% tags=["nbval-ignore-output"]
dying = {"killed": (world_size - 1, 2 * every + every // 2)}
try:
    launch(resuming.train, world_size=world_size, arguments=saving | dying)
except RankError as err:
    print(err)

# %% [markdown]
# The launcher names the rank and the likeliest cause, although the other ranks waited in an
# all-reduce that would never end. **Predict**: the job goes on from its last checkpoint. How large
# is the largest difference between its final weights and those of a job that nobody disturbed?

# %%
guessed_difference = None  # largest difference of a weight

# %% [markdown]
# The same launch also trains the job once more from its first step, undisturbed and without any
# checkpoint, so that both ways meet the same machine.

# %% tags=["nbval-ignore-output"]
launched = launch(resuming.resume_and_compare, world_size=world_size, arguments=saving)
place.cleanup()
resumed, undisturbed = (launched.results[0][name] for name in ("resumed", "undisturbed"))

# %% tags=["nbval-ignore-output"]
both = [(resumed["weights"][name], each) for name, each in undisturbed["weights"].items()]
difference = max(float(np.abs(ours - theirs).max()) for ours, theirs in both)
collected["resume_weight_difference"] = records.counted(difference)
show_prediction(
    "weight_difference", collected["resume_weight_difference"], guess=guessed_difference
)

# %% [markdown]
# Bit for bit means a difference of exactly 0: not close, the same job. What did the failure cost,
# and what does the insurance against it cost on this machine?

# %% tags=["nbval-ignore-output"]
repeated = dying["killed"][1] - resumed["first_step"]
weight_bytes = sum(weights.nbytes for _, weights in both)
save_ms, step_ms = (1e3 * float(np.median(resumed[name])) for name in ("save_s", "step_s"))
print(f"resumed at step {resumed['first_step']}; whole steps done again: {repeated}")
print(f"a rank's checkpoint takes {units.format_bytes(resumed['saved'])}", end=", ")
print(f"{resumed['saved'] / weight_bytes:.2f} times its weights,")
print(f"and {save_ms:.1f} ms to write, as much as {save_ms / step_ms:.1f} steps")

# %% [markdown]
# **Reflect.** Which parts of the state make up the factor beside the weights? Each rank wrote a
# file of its own, though all hold the same weights: which part differs from rank to rank, and what
# would the resumed job do if every rank took the file of rank 0? Say which tensors you would write
# only once.

# %% [markdown]
# **By hand: the cost of failing.** 10 s of work, saved after every 4 s; a save takes 1 s, a
# restart 2 s, and one failure comes at 7 s.
#
# - 0 to 4 s work, 4 to 5 s save.
# - 5 to 7 s work, then the failure: these 2 s are lost.
# - 7 to 9 s restart, 9 to 13 s work, 13 to 14 s save, 14 to 16 s the last work, without
#   a save.
#
# The **goodput** is useful over whole time, 10/16. Saving more often loses less at a failure and
# more to saves, so between *always* and *never* lies a best interval.

# %% [markdown]
# ### Exercise 2.17: how often to save (3 points, 15 minutes)
#
# `goodput(work_s, interval_s, save_s, restart_s, failures)` returns useful over whole time of a job
# that begins at 0 s; `failures` are moments in rising order [s]; about 8 lines.
#
# - Every piece of work but the last is followed by a save; at a failure, what was done since the
#   last whole save is lost.
# - A failure during a save or a restart counts as well, and the restart begins anew.
# - A failure at the very moment at which a save or the work ends takes nothing of it away, and
#   failures after the end do not count.

# %% [markdown]
# `checkpoint_interval_s(save_s, mtbf_s, ranks)` returns the best interval to a first approximation
# (Young 1974); one line. `mtbf_s` is the mean time between failures of one rank.
#
# - The interval is the square root of twice the time of a save times the mean time between failures
#   of the job: that of one rank over the number of ranks.


# %%
# Exercise 2.17
def goodput(work_s, interval_s, save_s, restart_s, failures):
    """Return useful over whole time of a job that fails at the given moments."""
    ### BEGIN SOLUTION
    clock_s, done_s, pause_s, coming = 0.0, 0.0, 0.0, list(failures)
    while done_s < work_s:
        piece_s = min(interval_s, work_s - done_s)
        is_last = done_s + piece_s >= work_s
        end_s = clock_s + pause_s + piece_s + (0 if is_last else save_s)
        if coming and coming[0] < end_s:
            clock_s, pause_s = coming.pop(0), restart_s
        else:
            clock_s, pause_s, done_s = end_s, 0.0, done_s + piece_s
    return work_s / clock_s
    ### END SOLUTION


def checkpoint_interval_s(save_s, mtbf_s, ranks):
    """Return the best time between two saves, to a first approximation [s]."""
    ### BEGIN SOLUTION
    return (2 * save_s * mtbf_s / ranks) ** 0.5
    ### END SOLUTION


# %%
show_check("2.17")

# %% [markdown]
# **How often?** Now the planned job. The rate of failures comes from a published training run on
# many GPUs (`labs/gpu_training/failures.py` names it); the times of a save and of a restart are
# assumptions, so change them to those of your plan. The formula's interval is the starting point.

# %%
save_s, restart_s = 60.0, 600.0  # assumed: of one save, and of one restart [s]

# %%
checkpoint_interval_s = best("2.17", checkpoint_interval_s)
mtbf_s = failures.rank_mtbf_s(**failures.LLAMA_3)
for ranks in (planned_ranks, failures.LLAMA_3["ranks"]):
    job = {"save_s": save_s, "restart_s": restart_s, "mtbf_s": mtbf_s / ranks}
    best_s = checkpoint_interval_s(save_s, mtbf_s, ranks)
    print(f"{ranks:,} ranks: a failure every {job['mtbf_s'] / 3600:,.1f} h,", end=" ")
    print(f"a save every {best_s / 60:,.0f} min,", end=" ")
    print(f"expected goodput {failures.expected(interval_s=best_s, **job):.1%}")

# %% [markdown]
# Is that formula right? It leaves out that saves and restarts can fail. Your `goodput` does not:
# it runs a long job through failures drawn at random, `repeats` times, with intervals from an
# eighth of the formula's to eight times it. All intervals meet the same failures, so that luck does
# not decide between them.

# %% tags=["nbval-ignore-output"]
goodput = best("2.17", goodput)
formula_s = checkpoint_interval_s(save_s, mtbf_s, planned_ranks)
intervals_s = [formula_s * 2.0**power for power in range(-3, 4)]
planned = {"save_s": save_s, "restart_s": restart_s, "mtbf_s": mtbf_s / planned_ranks}
seeds = [(seed, number) for number in range(repeats)]
shares = failures.simulated(goodput, intervals_s, seeds=seeds, **planned)
simulated_shares = [stats.mean_interval(each).result("modelled") for each in shares]
best_at = int(np.argmax(shares.mean(axis=1)))

# %% tags=["nbval-ignore-output"]
collected["goodput"] = simulated_shares[3]  # at the formula's interval
collected["checkpoint_interval_s"] = records.Result(formula_s, formula_s, formula_s, 1, "modelled")

# %% [markdown]
# The points are your simulation with 95 % intervals over the repetitions; the grey line is what a
# job without end has on average, from a formula that does count failures in saves and restarts.

# %% tags=["nbval-ignore-output"]
lost = [1 - shares[place].mean() for place in (best_at, 0)]
figure, axes = plots.new_figure(data=f"simulated, {planned_ranks} ranks, n = {repeats}", wide=True)
failing_pictures.goodput(
    axes,
    intervals_s,
    shares=simulated_shares,
    expected=[failures.expected(interval_s=each, **planned) for each in intervals_s],
    marked={"formula": formula_s},
    title=f"The best of seven intervals loses {lost[0]:.1%}, the shortest {lost[1]:.1%}",
)
told = ", ".join(f"{s:,.0f} s {r.value:.4f}" for s, r in zip(intervals_s, simulated_shares))
plots.show(figure, alt=f"Goodput over the interval between saves, log axis: {told}.")

# %% [markdown]
# **Reflect.** How much goodput do you lose if your interval is twice the formula's, or half of it?
# Then how exactly must you know the time between failures? The curve assumes that failures are
# independent: name a failure that stops many ranks at once, and say which way it moves the points.
# Which would gain more for your plan, a save in half the time or a restart in half the time?

# %% [markdown]
# ## 8. Your recommendation
#
# **Scenario.** Your group wants to train the `large` transformer on 64 GPUs of 80 GB, for ten days,
# on nodes of eight. One GPU of the 64 fails about every three days, more often than section 7
# assumed, and the whole job then stops. You have measured on two ranks, counted for many, and
# modelled the rest. They ask you how to spread the job, and how sure you are. This text is marked
# by a person.

# %% [markdown]
# ### Exercise 2.15: the plan (10 points, 45 minutes)
#
# Write to your group, in 150 to 250 words. Your plan must
#
# - choose a strategy for the 64 GPUs, with the bytes that each GPU holds and sends in a step, from
#   your own counts or formulas, and what the next best choice would cost,
# - say which of your numbers are counted, measured and modelled, with the intervals of the measured
#   ones, and why the fit of your all-reduce does not carry over to these GPUs,
# - choose an interval between checkpoints and say what share of the ten days is lost, and to what,
# - name one silent fault that your loss curve would not show, the check that would, and what you
#   would measure first on the real machine.

# %% [markdown]
# #### Exercise 2.15
#
# ### BEGIN SOLUTION
# Train with plain data parallelism, DDP, on all 64 GPUs. With 8 sequences each, rank 0 holds
# 6.26 GB of its 80 GB and all-reduces 343,360,512 B a step. The next best choice, FSDP2, holds
# 4.97 GB but sends 1,027,307,520 B, three times as much, to save memory that nobody needs.
#
# Bytes are counted on fake ranks, exact with padding, and equal to real ones at two ranks. Measured
# on two processes here, with intervals of 95 %: alpha 162 us [153, 171] and bandwidth
# 2 GB/s [1.46, 2.67]. Modelled is the step, 21.3 to 89.6 ms, on assumed links. My fit stays at
# home: gloo between processes that share memory and cores is neither NVLink nor InfiniBand, and it
# saw two ranks.
#
# The job fails every three days. Save every 93 min, for a save of 60 s: 1.1 % goes to saving, 1.1 %
# to work done twice, and a restart of ten minutes adds 0.2 %, in all 2.4 % of the ten days. The
# 60 s are assumed.
#
# Gradients that are summed, not averaged, would not show: AdamW divides the factor away and the
# loss falls. I would compare the norm that the optimiser gets with that of the mean before the long
# run. On the real machine I would first time a save, an all-reduce of one gradient across nodes,
# and a step on 8, 16 and 32 GPUs. If they are far above the model, the plan changes.
# ### END SOLUTION

# %% [markdown]
# ## Going further
#
# This was the core, and all of its points. What follows are extensions: each stands on its own, in
# any order, with a check like the others. They ask what limits a device, how few bits a step can
# use, what to forget and compute again, how to split one layer or one network over devices, how far
# more devices help, which faults stay silent, and what a target costs in energy.

# %% [markdown]
# ## 9. The roof over your layers
#
# How fast could a step be at best? Two bounds hold. A device does at most *peak* operations a
# second, and its memory moves at most *bandwidth* bytes a second. Which one matters is decided by
# the **arithmetic intensity** of a layer, its operations for each byte moved. A product of large
# matrices uses each number many times; a normalisation uses it once or twice.

# %%
from course_utils import counting, timing
from labs.gpu_training import roofline, roofline_pictures, stopwatch
from labs.shared.transformer import SIZES

# %% [markdown]
# **Predict.** The two bounds meet at the **ridge**, peak / bandwidth. How many operations must a
# layer do with each byte, here and in float32, until arithmetic is the bound?

# %%
guessed_ridge = None  # operations a byte

# %% [markdown]
# **By hand.** A device with 100 op/s and 20 B/s has its ridge at 5 op/B. A layer with 2 op/B gets
# 20 x 2 = 40 op/s at most, one with 10 op/B gets 100. A linear layer with 2 tokens, 3 inputs and 4
# outputs in float32 does 2 x 2 x 3 x 4 = 48 operations and moves 6 + 12 + 8 = 26 numbers, 104
# bytes: 0.46 op/B, so this device does it with 9.2 op/s at most.

# %% [markdown]
# ### Exercise 2.2: the roof over your layers (extension, 0 points, 30 minutes)
#
# Three functions of one to three lines each. `attainable_ops_per_s(intensity, peak, bandwidth)`:
#
# - `attainable_ops_per_s` is what the memory can feed, bandwidth x intensity, up to the peak and
#   never above it.
# - An array of intensities gives an array of bounds of the same shape, a number gives a number.
#
# `linear_intensity(tokens, inputs, outputs, number_bytes)` returns operations a byte:
#
# - A linear layer needs 2 x tokens x inputs x outputs operations; input, weights and output each
#   move once, at `number_bytes` a number.

# %% [markdown]
# `step_ops(tokens, parameters, layers, width, context)` returns the operations of one training
# step, where `parameters` counts the weights of linear layers alone:
#
# - Forward, a token costs 2 operations for each parameter and 4 x layers x width x context for the
#   attention; backward costs twice as much as forward.
#
# The attention is counted in full, as is usual, though a causal one needs only half of it.


# %%
# Exercise 2.2
def attainable_ops_per_s(intensity, peak, bandwidth):
    """Return the most operations a second at an intensity in op/B."""
    ### BEGIN SOLUTION
    return np.minimum(peak, bandwidth * intensity)
    ### END SOLUTION


def linear_intensity(tokens, inputs, outputs, number_bytes):
    """Return operations a byte of a linear layer without bias, forward."""
    ### BEGIN SOLUTION
    numbers = tokens * inputs + inputs * outputs + tokens * outputs
    return 2 * tokens * inputs * outputs / (number_bytes * numbers)
    ### END SOLUTION


def step_ops(tokens, parameters, layers, width, context):
    """Return the operations of a training step, forward and backward."""
    ### BEGIN SOLUTION
    forward = 2 * parameters + 4 * layers * width * context
    return 3 * tokens * forward
    ### END SOLUTION


# %%
show_check("2.2")

# %% [markdown]
# **The roof of this machine.** The bandwidth first. A copy of a small buffer never leaves the
# caches and is no measure of the memory, so the working set grows until the line is level. A cache
# larger than all working sets tried would hide the memory; in a virtual machine the cache that the
# system names may belong to the host, shared with others.

# %% tags=["nbval-ignore-output"]
attainable_ops_per_s = best("2.2", attainable_ops_per_s)
linear_intensity = best("2.2", linear_intensity)
most_bytes = 64 * units.MI * repeats  # a short run tries no large ones
rates = roofline.copy_rates(roofline.working_sets_bytes(most_bytes))
cache_bytes = roofline.largest_cache_bytes()
drop = max(rate.value for _, rate in rates) / rates[-1][1].value
title = f"The largest copy has {1 / drop:.0%} of the bandwidth of the best"
figure, axes = plots.new_figure(data="none, a buffer of ones", wide=True)
roofline_pictures.bandwidths(axes, rates, cache_bytes=cache_bytes, title=title)
if cache_bytes and rates[-1][0] < 2 * cache_bytes:
    print("The largest working set is not twice the largest cache: this may still be the cache.")
plots.show(figure, alt=f"Bandwidth of a copy against its working set. {title}.")

# %% [markdown]
# Now the peak, by multiplying matrices, in each type of number that this device computes with. A
# bound is the fastest of its runs; the low end of the interval is their median. A processor with
# instructions for bfloat16 has a higher roof there, one without has a lower one.

# %% tags=["nbval-ignore-output"]
budget_s = min(1.0, 0.05 * repeats)
where = devices.local()
peaks = {
    str(dtype).removeprefix("torch."): counting.measure_roofline(
        where, budget_s=budget_s, dtype=dtype
    ).peak_ops_per_s
    for dtype in roofline.dtypes()
}
for name, rate in peaks.items():
    middle, *ends = (f"{x / 1e9:,.0f}" for x in (rate.value, rate.low, rate.high))
    print(f"{name:>9}: {middle} Gop/s [{', '.join(ends)}]")
peak, bandwidth = peaks["float32"], rates[-1][1]
ridge = stopwatch.quotient(peak, bandwidth)
collected["peak_ops_per_s"] = peak
collected["memory_bandwidth_bytes_per_s"] = bandwidth
collected["ridge_ops_per_byte"] = ridge
show_prediction("ridge_ops_per_byte", ridge, guess=guessed_ridge)

# %% [markdown]
# **Where the layers sit.** The linear layers of one block and the head, forward, each timed on its
# own: with the batch of this notebook, and *query* also with a single sequence. Your
# `linear_intensity` places them.

# %% tags=["nbval-ignore-output"]
single = [("query, 1 sequence", *rest) for _, *rest in roofline.linear_layers(workload, batch=1)]
dots = []
for name, layer, x in [*roofline.linear_layers(workload), single[0]]:
    shape = (len(x), layer.in_features, layer.out_features)
    ops = 2 * shape[0] * shape[1] * shape[2]
    rate = roofline.attained_ops_per_s(layer, x, ops=ops, budget_s=budget_s / 4)
    dots.append((name, float(linear_intensity(*shape, 4)), rate))
shares = roofline.shares_of_roof(
    dots, attainable_ops_per_s, peak=peak.value, bandwidth=bandwidth.value
)
highest, lowest = max(shares, key=shares.get), min(shares, key=shares.get)
title = f"'{highest}' attains {shares[highest]:.0%} of its roof, '{lowest}' {shares[lowest]:.0%}"
figure, axes = plots.new_figure(data=f"transformer '{size}', float32", wide=True)
roofline_pictures.under_the_roof(axes, dots, peak=peak, bandwidth=bandwidth, title=title)
plots.show(figure, alt=f"Linear layers under the roof of this machine, log axes. {title}.")

# %% [markdown]
# A dot far below the roof says that something else takes the time: calling a layer costs some
# microseconds however little it does, and narrow outputs leave vector units empty. A dot *above*
# the slope means that its numbers came from a cache, which the model does not know. So a roofline
# names a bound; it predicts no time.

# %% [markdown]
# **Model FLOP utilisation** sums it up: the operations that a step needs by your formula, divided
# by its time, as a share of the peak. What a program computes in addition, such as a forward pass
# run twice to save memory, does not count, so the figure cannot be raised by useless work.

# %% tags=["nbval-ignore-output"]
step_ops = best("2.2", step_ops)
shape = SIZES[size]
parameters = roofline.multiplied_parameters(workload.model())
ops = step_ops(batch * shape.context, parameters, shape.layers, shape.width, shape.context)
step = timing.latency(stopwatch.training_step(workload), device=where, min_elapsed_s=budget_s)
collected["mfu"] = roofline.utilization(step.result(), ops=ops, peak=peak)
print(f"{ops:,} operations a step in {step.result().describe('step_ms')}")
print("model FLOP utilisation:", collected["mfu"].describe("mfu"))

# %% [markdown]
# **Reflect.** Which of your layers would gain from twice the bandwidth, and which from twice the
# peak? Raise `size` by one step and run this section again: which dots move to the right, and what
# happens to the utilisation? Say why, with the intensity of `up` in both runs.

# %% [markdown]
# ## 10. Fewer bits, and other switches
#
# Half the bits move in half the time, and tensor cores multiply them faster. **float16** has 5 bits
# of exponent: its smallest number above 0 is 6e-8, its largest 65,504; what is smaller becomes 0,
# what is larger infinite. **bfloat16** has the 8 of float32, so neither happens, but 3 digits
# become 2. Which one a GPU computes fast depends on its age, which its *compute capability* tells:
# bfloat16 from 8.0 on.

# %%
from labs.gpu_training import loading, precision, speedups, stopwatch

# %% [markdown]
# **Predict.** How many times faster than in float32 does *this* device train in bfloat16? A figure
# below 1 is possible, and right where there are no instructions for it.

# %%
guessed_bf16 = None  # times faster than float32

# %% [markdown]
# **By hand.** A gradient of 1e-8 becomes 0 in float16. Multiply the loss by a *scale* of 1,024, and
# all gradients with it: 1e-5 survives, and is divided by 1,024 again in float32. Too large a scale
# makes gradients infinite; then the step is skipped and the scale halved. After many good steps a
# larger one is tried. The next cell does it to the gradients that flow back through the
# transformer's linear layers.

# %% tags=["nbval-ignore-output"]
gradients = precision.gradients_of(workload)
for scale in (1, 2**10, 2**16, 2**24):
    lost, coarse, infinite = precision.lost_in_float16(gradients, scale)
    print(f"scale {scale:>10,}: {lost:6.2%} become 0, {coarse:7.2%} lose digits, ", end="")
    print(f"{infinite:6.2%} infinite")

# %% [markdown]
# ### Exercise 2.5: fewer bits, and other switches (extension, 0 points, 35 minutes)
#
# `choose_precision(capability)` gets (major, minor) of a GPU, or None where there is none, and
# returns a name and True or False, whether gradients are scaled; 3 to 5 lines.
#
# - With compute capability 8.0 or above it is `bfloat16` without scaling, below it is `float16`
#   with scaling, and without a GPU `float32` without.

# %% [markdown]
# `scaler_step(gradients, scale, good_steps, growth_interval)` gets a list of arrays, the gradients
# of the scaled loss. It returns three things: gradients or None, the next scale, and the next
# `good_steps`; 5 to 9 lines.
#
# - If any is infinite or NaN, the step is skipped: None comes back, the scale halves, and
#   `good_steps` starts at 0.
# - If all gradients are finite, they come back divided by `scale`, and `good_steps` grows by 1.
# - When `good_steps` reaches `growth_interval`, the scale doubles and `good_steps` starts at 0.


# %%
# Exercise 2.5
def choose_precision(capability):
    """Return the name of the type of numbers, and whether gradients are scaled."""
    ### BEGIN SOLUTION
    if capability is None:
        return "float32", False
    return ("bfloat16", False) if capability[0] >= 8 else ("float16", True)
    ### END SOLUTION


def scaler_step(gradients, scale, good_steps, growth_interval):
    """Return the unscaled gradients or None, the next scale and good_steps."""
    ### BEGIN SOLUTION
    if not all(np.isfinite(g).all() for g in gradients):
        return None, scale / 2, 0
    unscaled = [g / scale for g in gradients]
    if good_steps + 1 == growth_interval:
        return unscaled, scale * 2, 0
    return unscaled, scale, good_steps + 1
    ### END SOLUTION


# %%
show_check("2.5")

# %% [markdown]
# **Does the scale find its place?** Start far too high, and let your function work on what float16
# would make of the transformer's gradients. It halves the scale until nothing is infinite, then
# tries a larger one every five good steps.

# %% tags=["nbval-ignore-output"]
choose_precision = best("2.5", choose_precision)
scaler_step = best("2.5", scaler_step)
scale, good, scales = 2.0**30, 0, []
for _ in range(30):
    with np.errstate(over="ignore"):
        halves = [(g * np.float32(scale)).astype(np.float16) for g in gradients]
    kept, scale, good = scaler_step([h.astype(np.float32) for h in halves], scale, good, 5)
    scales.append("skipped" if kept is None else f"2^{np.log2(scale):.0f}")
for first in range(0, 30, 10):
    print(f"scale after steps {first + 1:2} to {first + 10}:", *scales[first : first + 10])

# %% [markdown]
# **On this device.** Your function chooses from its compute capability. On a processor, bfloat16 is
# a question of its instructions, which the cell names; without any, each number is widened to
# float32, multiplied and cut again, and *slower* is the right result. Both kinds of steps are taken
# in turns, so that a busy machine slows both.

# %% tags=["nbval-ignore-output"]
chosen, scales_gradients = choose_precision(precision.capability())
known = ", ".join(precision.bf16_instructions()) or "none known"
print(f"chosen: {chosen}, gradients {'scaled' if scales_gradients else 'not scaled'}")
print("bfloat16 instructions of the processor:", known)
rounds = max(repeats, 6)
calls = {name: precision.precise_step(workload, name) for name in ("float32", "bfloat16")}
times_ms = speedups.in_turns(calls, rounds=rounds)
collected["bf16_speedup"] = speedups.speedup(times_ms, "bfloat16", over="float32")
show_prediction("bf16_speedup", collected["bf16_speedup"], guess=guessed_bf16)

# %% [markdown]
# Autocast adds a conversion before every product, so a network as small as `tiny` can lose by it
# even on a device that multiplies bfloat16 faster. The next two switches change no number's type:
# the order of an image's dimensions in memory, and compiling, which fuses small operations. The
# first compiled call takes long, so a short run leaves it out.

# %% tags=["nbval-ignore-output"]
times_ms = speedups.in_turns(speedups.layout_calls(batch=4, seed=seed), rounds=rounds)
layout = speedups.speedup(times_ms, "channels last", over="channels first")
collected["channels_last_speedup"] = layout
print("ResNet-18, channels last:", layout.describe("speedup"), "times as fast")
obstacle = speedups.compile_obstacle() or ("this run is short" if steps < 20 else "")
if obstacle:
    print("not compiled:", obstacle)
else:
    times_ms = speedups.in_turns(speedups.forward_calls(workload), rounds=rounds)
    compiled = speedups.speedup(times_ms, "compiled", over="as it is")
    print("compiled:", compiled.describe("speedup"), "times as fast")

# %% [markdown]
# **Waiting for data.** The fastest step is no use if its batch is late. Here the loader sleeps for
# each batch as long as a step takes, as a slow disk would. Without workers the step waits for all
# of it; two workers load the next batches while this one trains.

# %% tags=["nbval-ignore-output"]
train = stopwatch.training_step(workload)
delay_s = np.median(speedups.in_turns({"step": train}, rounds=rounds)["step"]) / 1e3
waits = {}
for workers in (0, 2):
    waits[workers] = loading.waiting(workload, train, delay_s=delay_s, workers=workers)
    print(f"{workers} workers: {waits[workers].value:.0%} of a step is waiting")
collected["loader_wait_share"] = waits[0]
collected["loader_wait_share_workers"] = waits[2]

# %% [markdown]
# **Reflect.** Which switch would you set for a training run of a week on this machine, which on a
# GPU with compute capability 7.5, and which of your figures says nothing about that GPU? If two
# workers left no waiting at all, what would four do, and how would you find out before buying
# a faster disk?

# %% [markdown]
# ## 11. Forget, and compute again
#
# Activations take most of the memory of a step, and the backward pass asks for the last of them
# first. **Activation checkpointing** keeps a few of them, lets the others go, and computes a
# segment again when its turn comes. It costs a second forward pass and changes no number.

# %%
from labs.gpu_training import recomputation, recomputation_pictures, turns

# %% [markdown]
# **By hand.** Four layers in two segments. Activation 0 is the input, activation i + 1 the result
# of layer i, and `backward(i)` needs activation i. Forward: run all four layers, but keep 0 and 2
# alone. Backward: 2 is there, 3 is not, so run layer 2 again. Now `backward(3)` and `backward(2)`;
# free 3 and 2. Run layer 0 again for activation 1, then `backward(1)` and `backward(0)`.

# %% [markdown]
# ### Exercise 2.6: forget and compute again (extension, 0 points, 25 minutes)
#
# Write `backward_in_segments(layers, segments, *, forward, backward, free)`, in 10 to 15 lines. It
# first runs all layers forward, then all backward. `forward(i)` runs layer i on activation i, which
# must be held, and holds activation i + 1; `free(i)` lets activation i go. Of 1 to `layers`
# segments, all have the same length but the last, which may be shorter.

# %% [markdown]
# The rules:
#
# - `backward(i)` runs once for each layer, from the last to the first, while activation i is held.
# - No layer runs `forward` more than twice.
# - At no time are more than `segments + ceil(layers / segments) + 1` activations held, the input
#   among them.
# - When it returns, the input is held, and no other activation.


# %%
# Exercise 2.6
def backward_in_segments(layers, segments, *, forward, backward, free):
    """Run the passes of a chain, keeping only the inputs of segments in between."""
    ### BEGIN SOLUTION
    length = -(-layers // segments)
    for layer in range(layers):
        forward(layer)
        if layer % length != 0:
            free(layer)
    free(layers)
    for start in reversed(range(0, layers, length)):
        end = min(start + length, layers)
        for layer in range(start, end - 1):
            forward(layer)
        for layer in reversed(range(start, end)):
            backward(layer)
            if layer > 0:
                free(layer)
    ### END SOLUTION


# %%
show_check("2.6")

# %% [markdown]
# **How many segments?** The inputs of segments are held all the time, the inside of one segment on
# top. With L layers and s segments that is about s + L / s, which is least where both are alike: at
# the square root of L.
#
# **Predict.** How many activations does a chain of 64 layers hold at least?

# %%
guessed_held = None  # activations held at the peak, with the best number of segments

# %% tags=["nbval-ignore-output"]
backward_in_segments = best("2.6", backward_in_segments)
ledgers = {}
for segments in (1, 2, 4, 8, 16, 32, 64):
    ledgers[segments] = ledger = recomputation.Ledger(64)
    actions = {name: getattr(ledger, name) for name in ("forward", "backward", "free")}
    backward_in_segments(64, segments, **actions)
least = min(ledgers, key=lambda segments: max(ledgers[segments].trace))
most_held = records.counted(max(ledgers[least].trace))
show_prediction("activations_held", most_held, guess=guessed_held)

# %% [markdown]
# With few segments the inside of one is long; with many, their inputs alone are many. Watch both
# in the calls: those of the forward pass come first, then one hill for each segment.

# %% tags=["nbval-ignore-output"]
shown = {f"{n} segment{'s' * (n > 1)}": ledgers[n].trace for n in (1, 2, 8, 32)}
figure, axes = plots.new_figure(data="none, counted calls", wide=True)
title = f"64 layers hold the fewest activations, {most_held.value:g}, with {least} segments"
recomputation_pictures.held_over_calls(axes, shown, title=title)
plots.show(figure, alt="Activations held call by call, for four numbers of segments.")

# %% [markdown]
# **The real thing.** A transformer of `size`, but with 16 blocks, under `torch.utils.checkpoint`.
# Memory is counted at every operation, time measured in turn with the run that keeps everything.

# %% tags=["nbval-ignore-output"]
deep = recomputation.deep(size, layers=16, seed=seed).to(devices.local())
codes, targets = workload.batch_of(0)
few = tuple(part[: max(1, batch // 2)].to(devices.local()) for part in (codes, targets))
ways = (0, 1, 2, 4, 8, 16)  # segments; 0 keeps everything
peaks = {way: recomputation.peak_bytes(deep, few, segments=way) for way in ways}
calls = {
    way: lambda way=way: recomputation.checkpointed(deep, few, segments=way).backward()
    for way in (0, 1, 4, 16)
}
paid = turns.ratios(calls, to=0, rounds=max(6, repeats // 2))
saved = {way: records.counted(peaks[way] / peaks[0]) for way in ways}
collected["checkpoint_activation_ratio"] = saved[16]
collected["checkpoint_time_ratio"] = paid[16]

# %% tags=["nbval-ignore-output"]
curves = {
    name: [(way, share) for way, share in shares.items() if way]
    for name, shares in {"memory, counted": saved, "time, measured": paid}.items()
}
least, longest = saved[16].value, paid[16].value
title = f"A checkpoint for each block: {least:.0%} of the memory, {longest:.2g} times the time"
figure, axes = plots.new_figure(data=f"tinyshakespeare; {size}, 16 blocks", wide=True)
recomputation_pictures.saved_and_paid(axes, curves, title=title)
plots.show(figure, alt="Memory and time against segments, as shares of no checkpoints.")

# %% [markdown]
# One segment saves nothing: when it is computed again, everything is there at once. And the least
# is not at the square root of 16. In the chain above each layer keeps as much as it hands on; a
# block of the transformer hands on one width of features and keeps sixteen inside.
#
# **Reflect.** Write down the memory of s segments with that in mind: where is its least, and does
# your curve agree? A forward pass is about a third of a step: which ratio of times do you expect?

# %% [markdown]
# **Dropout must be replayed.** What is computed again must be what was computed first, down to the
# random numbers. Torch stores the state of the generator with each segment and restores it, unless
# it is told not to.

# %% tags=["nbval-ignore-output"]
noisy = recomputation.deep("tiny", layers=2, dropout=0.1, seed=seed)
example = tuple(part[:4, : noisy.embedding.place.num_embeddings] for part in (codes, targets))
for is_replayed in (True, False):
    gap = recomputation.gradient_gap(noisy, example, preserve_rng_state=is_replayed, seed=seed)
    said = "restored" if is_replayed else "not restored"
    print(f"generator {said}: gradients differ by {gap:.2g} of the largest")

# %% [markdown]
# **Reflect.** Without the replay the loss still falls, and nothing complains. Which gradient does
# the optimiser get then? Name two other things in a network that may differ between the first and
# the second computation of a segment.

# %% [markdown]
# ## 12. Splitting the network itself
#
# Data parallelism and its relatives give every rank the whole computation of a layer. When a layer
# is too large, or the batch too small to be shared out further, the network itself is split:
#
# - **tensor parallelism** cuts every layer into slices; all ranks work on all tokens at once;
# - **pipeline parallelism** gives each rank some of the layers, a *stage*; tokens travel on.

# %%
from labs.gpu_training import schedule_pictures, schedules, split_runs
from labs.gpu_training.schedule_explorer import ScheduleExplorer
from labs.shared.transformer import SIZES

# %% [markdown]
# **Tensor parallelism by hand.** Two linear layers with a ReLU between, `relu(x @ up) @ down`.
# Split `up` by columns: each rank makes some of the hidden numbers, whole ones, so it can apply
# the ReLU to them. Split `down` by rows: they take just those numbers. What each rank gets is one
# summand of the output, so one all-reduce ends the pair.

# %% [markdown]
# With x = (1, 2), two ranks and
#
# $$\text{up} = \begin{pmatrix} 1 & 0 & 2 & 1 \\ 0 & 1 & -1 & 1 \end{pmatrix} \qquad
# \text{down} = \begin{pmatrix} 1 & 0 \\ 0 & 1 \\ 1 & 1 \\ 2 & 0 \end{pmatrix}$$
#
# - rank 0 has columns 0 and 1: hidden (1, 2), times rows 0 and 1 makes (1, 2);
# - rank 1 has columns 2 and 3: hidden (0, 3), times rows 2 and 3 makes (6, 0);
# - the all-reduce makes (7, 2) on both.
#
# Backwards the roles change: the gradient of the output is already whole on every rank, but each
# knows only what *its* hidden numbers contribute to the gradient of x. One more all-reduce.

# %% [markdown]
# **A pipeline by hand.** K stages, and a batch cut into M *micro-batches*, so that stages can work
# at the same time. F and B are forward and backward of one micro-batch; a stage needs the F of the
# stage before it, and the B of the stage behind it. With K = 2, M = 3 and F = 1, B = 2:
#
# - **GPipe**: both stages do F0 F1 F2 B0 B1 B2.
# - **1F1B**: stage 0 does F0 F1 B0 F2 B1 B2, stage 1 does F0 B0 F1 B1 F2 B2.
#
# Draw both on paper: each takes 12 units of time, of which each stage works 9.

# %% [markdown]
# What differs is memory: a stage keeps the activations of a micro-batch from its F to its B. In
# GPipe both stages keep 3 at one time; in 1F1B stage 0 keeps 2 and stage 1 a single one.
#
# For equal stages all is done after (M + K - 1)(F + B), of which each stage works M (F + B): the
# efficiency is M / (M + K - 1), and the idle rest, the *bubble*, (K - 1) / (M + K - 1).
#
# **Predict.** Which share of the time is idle with 4 stages and 8 micro-batches?

# %%
guessed_bubble_share = None  # idle share of all stages' time, from 0 to 1

# %% [markdown]
# ### Exercise 2.10: split layers, and a pipeline (extension, 0 points, 60 minutes)
#
# First two layers over ranks, in NumPy, about 5 lines:
# `column_row_mlp(x, weights, gradient, rank, ranks, all_reduce)`. `x` is (batch, width), `weights`
# the pair `up`, (width, hidden), and `down`, (hidden, width). `gradient` is that of the output,
# (batch, width). `all_reduce(array)` returns the sum of what all ranks hand in. A real rank holds
# nothing but its part; here you take it yourself. The number of ranks divides the hidden width.

# %% [markdown]
# It returns the output and the gradient of x.
#
# - Rank r of N uses the r-th of N equal parts of the columns of `up` and of the rows of `down`, no
#   others.
# - The output, `relu(x @ up) @ down`, and the gradient of x come back whole on every rank.
# - `all_reduce` is called exactly twice, each time with an array of the shape of x: first with what
#   this rank adds to the output, then with what it adds to the gradient of x.
# - Where `x @ up` is not above 0, no gradient flows back.

# %% [markdown]
# Then two schedules, `gpipe` and `one_forward_one_backward`, 1 to 8 lines each. Both take the
# number of stages K and of micro-batches M, which may be fewer than the stages. They return for
# each stage a list of what it does in order: `("F", m)` or `("B", m)`.
#
# - Every stage does F and B of every micro-batch exactly once, in an order in which nobody waits
#   for ever.
# - With F taking 1 unit of time and B 2, everything is done after 3 (M + K - 1).
# - In GPipe every stage does all its F before its first B.
# - In 1F1B stage k, counted from 0, keeps at most min(M, K - k) micro-batches at one time.


# %%
# Exercise 2.10
def column_row_mlp(x, weights, gradient, rank, ranks, all_reduce):
    """Return output and gradient of x, both whole; weights are (up, down)."""
    ### BEGIN SOLUTION
    up, down = weights
    own = np.split(np.arange(len(down)), ranks)[rank]
    hidden = np.maximum(x @ up[:, own], 0)
    output = all_reduce(hidden @ down[own])
    back = gradient @ down[own].T * (hidden > 0)
    return output, all_reduce(back @ up[:, own].T)
    ### END SOLUTION


def gpipe(stages, micro_batches):
    """Return for each stage its work in order, a list of ("F", m) and ("B", m)."""
    ### BEGIN SOLUTION
    return [[(kind, m) for kind in "FB" for m in range(micro_batches)] for _ in range(stages)]
    ### END SOLUTION


def one_forward_one_backward(stages, micro_batches):
    """Return the same for 1F1B."""
    ### BEGIN SOLUTION
    schedule = [[] for _ in range(stages)]
    for stage, work in enumerate(schedule):
        ahead = stages - 1 - stage
        for m in range(micro_batches + ahead):
            work.extend([("F", m)] if m < micro_batches else [])
            work.extend([("B", m - ahead)] if m >= ahead else [])
    return schedule
    ### END SOLUTION


# %%
show_check("2.10")

# %% [markdown]
# Turn it yourself: more micro-batches, more stages, a last stage that is slower (it has the head),
# results that take a while to arrive. Time is simulated, so the numbers are exact.

# %%
gpipe = best("2.10", gpipe)
one_forward_one_backward = best("2.10", one_forward_one_backward)
orders = {"GPipe": gpipe, "1F1B": one_forward_one_backward}
ScheduleExplorer(orders, stages=4, micro_batches=8)

# %%
simulated = {name: schedules.simulate(order(4, 8)) for name, order in orders.items()}
for name, each in simulated.items():
    kept = ", ".join(map(str, each.held))
    print(f"{name}: {each.bubble_share:.1%} idle, micro-batches kept by stage: {kept}")
bubble = records.counted(simulated["1F1B"].bubble_share)
collected["pipeline_bubble_share"] = bubble
show_prediction("pipeline_bubble_share", bubble, guess=guessed_bubble_share)

# %% [markdown]
# **Reflect.** The two are idle for the same share of the time. What does 1F1B buy? Take the last
# stage twice as slow: is (K - 1) / (M + K - 1) still right, and which stages wait? Let results
# arrive 1 unit late: why does 1F1B suffer more than GPipe?

# %% [markdown]
# **On real ranks.** One launch runs everything: the transformer with split layers, your two
# schedules with real tensors between the stages, and torch's own pipelines. It takes 2 ranks, or 4
# if `world_size` allows it. On processor cores it times the `small` network, whatever `size` is.
# First, are the weights of the `tiny` one after 3 steps those of one process?

# %% tags=["nbval-ignore-output"]
ranks, micro_batches = min(4, 2 ** (world_size.bit_length() - 1)), 8
cores_size = size if torch.cuda.device_count() >= ranks else "small"
timed = Workload(size=cores_size, batch=16, steps=min(repeats, 20), seed=seed)
asked = {"timed": timed, "micro_batches": micro_batches}
asked["schedules"] = {name: order(ranks, micro_batches) for name, order in orders.items()}
launched = launch(split_runs.both, world_size=ranks, arguments=asked, timeout_s=600)
apart = launched.results[0]["differences"]
for name, largest in apart.items():
    print(f"{name}: no weight differs by more than {largest:.1e}")


# %%
def observed_once(value):
    return records.Result(value, value, value, n=1, kind="measured")


whole = [largest for name, largest in apart.items() if "split layers" not in name]
collected["tensor_weight_difference"] = observed_once(apart["split layers"])
collected["pipeline_weight_difference"] = observed_once(max(whole))

# %% [markdown]
# Rounding alone makes such differences: sums are taken in another order. A gradient of which the
# sum was forgotten would move weights by about the learning rate, here 1e-4.
#
# Next, what each rank really did in one step of 1F1B. Times are those of computing; gaps are
# waiting, sending and Python.

# %% tags=["nbval-ignore-output"]
steps_1f1b = split_runs.steps_of(launched.results, "1F1B")
step = split_runs.typical(steps_1f1b)
figure, axes = plots.new_figure(data=f"tinyshakespeare, {timed.size}", wide=True)
title = f"One step of 1F1B on {ranks} ranks: {step.bubble_share:.0%} of their time idle"
schedule_pictures.gantt(axes, step, title=title, x_label="time [s]")
plots.show(figure, alt=schedule_pictures.gantt_alt(step))

# %% [markdown]
# How far is the formula from that? It knows neither that the stages differ nor that sending takes
# time. The simulation, with each stage's median times, knows the first.

# %% tags=["nbval-ignore-output"]
forward, backward = (schedules.typical_times(steps_1f1b, kind) for kind in "FB")
print(f"by formula: {(ranks - 1) / (micro_batches + ranks - 1):.1%} idle")
for name, order in asked["schedules"].items():
    shares = [each.bubble_share for each in split_runs.steps_of(launched.results, name)]
    seen = stats.median_interval(shares).result()
    uneven = schedules.simulate(order, forward=forward, backward=backward)
    print(f"{name}: {uneven.bubble_share:.1%} with these stages, {seen.value:.1%} measured")
collected["measured_bubble_share"] = seen

# %% [markdown]
# Ranks on one machine share its memory and caches, and 4 ranks on 2 cores take turns, so a stage
# that computes may in truth be waiting for a core. On GPUs of their own they do not.
#
# Last, what has to be sent. Split layers need 4 all-reduces a block and step, each of as many
# numbers as the features of all tokens; a pipeline passes these on once in each direction.

# %%
shape, parameters = SIZES[timed.size], sum(p.numel() for p in timed.model().parameters())
features_bytes = 4 * timed.batch * shape.context * shape.width  # float32
sent_bytes = {
    "split layers, all-reduced": 4 * shape.layers * features_bytes,
    "pipeline, through each cut": 2 * features_bytes,
    "data parallel, all-reduced": 4 * parameters,
}
for way, number in sent_bytes.items():
    print(f"{way}: {units.format_bytes(number)} a step of {timed.batch} sequences")

# %% [markdown]
# **Reflect.** Which stage works longest, and why? Which part of the measured idle share does the
# simulation explain? Which of the three numbers of bytes grows with the batch, which with the
# network, and in which order would you choose the ways to split for ranks that share a fast
# connection, and for those that do not?

# %% [markdown]
# ## 13. More ranks, larger steps
#
# Twice the ranks, half the time? Two questions hide in there. **Strong scaling** keeps the job and
# adds ranks: each gets less to do. **Weak scaling** keeps what each rank does: the job grows. And
# a larger job often means a larger batch, which changes what is learnt.

# %%
from labs.gpu_training import images, scaling

# %% [markdown]
# **By hand.** A job takes 12 s on 1 rank, 8 s on 2 and 4 s on 4. Its speed-ups are 1, 1.5 and 3,
# its efficiencies, speed-up over ranks, 1, 0.75 and 0.75.
#
# **Amdahl's law** blames a share s of the time T on one rank that does not get shorter:
#
# t = T (s + (1 - s) / N).
#
# With s = 0.1 even a million ranks are not 10 times as fast as one. **Gustafson** answers: with
# more ranks we take a larger job, and then the speed-up is s + (1 - s) N.

# %% [markdown]
# ### Exercise 2.11: more ranks, larger steps (extension, 0 points, 40 minutes)
#
# Write three functions, 2 to 6 lines each. `ranks` and `times` are lists of the same length.
#
# `speedup_and_efficiency(ranks, times)` returns two lists, speed-ups and efficiencies:
#
# - The first entry is the reference: the speed-up is its time over each time, the efficiency is
#   the speed-up over how many times as many ranks.

# %% [markdown]
# `amdahl_fit(ranks, times)` returns two numbers, for two or more different numbers of ranks:
#
# - `one_rank_s` and `serial_share`, T and s of Amdahl's law, make the sum of squared relative
#   errors the least.
# - One rank need not be among the points.
#
# `scaled_learning_rate(base, factor, step, warmup_steps)` returns the learning rate of a step:
#
# - The learning rate rises evenly, from `base` at step 0 to `factor * base` at step
#   `warmup_steps`, and stays there.
# - With 0 steps of warm-up it is `factor * base` from the start.


# %%
# Exercise 2.11
def speedup_and_efficiency(ranks, times):
    """Return the speed-ups and the efficiencies, relative to the first entry."""
    ### BEGIN SOLUTION
    speedups = [times[0] / t for t in times]
    return speedups, [s * ranks[0] / n for s, n in zip(speedups, ranks, strict=True)]
    ### END SOLUTION


def amdahl_fit(ranks, times):
    """Return one_rank_s and serial_share of Amdahl's law."""
    ### BEGIN SOLUTION
    n, t = np.array(ranks, dtype=float), np.array(times, dtype=float)
    columns = np.stack([1 / t, 1 / (n * t)], axis=1)
    serial_s, parallel_s = np.linalg.lstsq(columns, np.ones(len(t)), rcond=None)[0]
    return serial_s + parallel_s, serial_s / (serial_s + parallel_s)
    ### END SOLUTION


def scaled_learning_rate(base, factor, step, warmup_steps):
    """Return the learning rate of a step, counted from 0."""
    ### BEGIN SOLUTION
    if step >= warmup_steps:
        return factor * base
    return base + (factor - 1) * base * step / warmup_steps
    ### END SOLUTION


# %%
show_check("2.11")

# %% [markdown]
# **Measured here.** The second workload is the first half of a ResNet-10, of torchvision's blocks,
# on the digits. In one launch rank 0 takes 128 images alone while the others wait; then all share
# them (strong); then each takes 128 (weak). The three take turns, so that a disturbance meets all.

# %% tags=["nbval-ignore-output"]
speedup_and_efficiency = best("2.11", speedup_and_efficiency)
some_ranks = max(2, world_size)
job = {"batch": 128, "repeats": repeats}
took = launch(scaling.measure, world_size=some_ranks, arguments=job).results[0]
alone_s, strong_s, weak_s = (float(np.median(took[k])) for k in ("alone", "strong", "weak"))
_, efficiency = speedup_and_efficiency([1, some_ranks], [alone_s, strong_s])
print(
    f"strong: {1e3 * alone_s:.0f} ms become {1e3 * strong_s:.0f} ms, efficiency {efficiency[1]:.2f}"
)
print(
    f"weak: {1e3 * alone_s:.0f} ms become {1e3 * weak_s:.0f} ms, efficiency {alone_s / weak_s:.2f}"
)

# %% [markdown]
# Two points, and two unknowns in Amdahl's law: any two times fit it exactly, so a fit would say
# nothing. It takes at least four numbers of ranks, with a core or a GPU for each. Where this
# machine has that, the next cell measures them.

# %% tags=["nbval-ignore-output"]
amdahl_fit = best("2.11", amdahl_fit)
free_ranks = scaling.free_ranks(images=job["batch"])
if len(free_ranks) < scaling.FEWEST_POINTS or repeats < 10:
    print(f"no fit here: {free_ranks[-1]} ranks at most have a place of their own, or a trial run")
else:
    runs = [launch(scaling.measure, world_size=n, arguments=job).results[0] for n in free_ranks]
    strong = [float(np.median(run["strong"])) for run in runs]
    one_rank_s, share = amdahl_fit(free_ranks, strong)
    print(f"{free_ranks} ranks here: one takes {1e3 * one_rank_s:.1f} ms, serial share {share:.1%}")
    for n, seen_s in zip(free_ranks, strong, strict=True):
        law_s = one_rank_s / scaling.amdahl_speedup(share, n)
        print(f"  {n} ranks: {1e3 * seen_s:.1f} ms, the law is off by {law_s / seen_s - 1:+.0%}")

# %% [markdown]
# Published runs reach further than one machine does. What they ran on, when, and with which
# versions is printed below them.

# %% tags=["nbval-ignore-output"]
for name, run in scaling.PUBLISHED.items():
    counts, each_s = run.seconds_an_image()
    one_rank_s, share = amdahl_fit(counts, each_s)
    reached = speedup_and_efficiency(counts, each_s)[1][-1]
    print(f"{name}: efficiency {reached:.2f} on {counts[-1]}, serial share {share:.2%}")
    if name.startswith("ResNet-50"):
        collected["serial_share"] = records.Result(share, share, share, n=1, kind="modelled")
machines = dict.fromkeys(each.machine for each in scaling.PUBLISHED.values())
print(*machines, run.date, run.versions, run.source, sep="\n")

# %% tags=["nbval-ignore-output"]
clusters = {name: run for name, run in scaling.PUBLISHED.items() if "EC2" in name}
series = {name: run.points() for name, run in clusters.items()}
left = [run.items_per_s[64] / run.items_per_s[1] / 64 for run in clusters.values()]
title = f"On 64 GPUs {min(left):.0%} to {max(left):.0%} of the ideal throughput is left"
labels = {"x_label": "GPUs [1]", "y_label": "throughput [images/s]"}
figure, axes = plots.new_figure(data=run.source.partition(",")[0], wide=True)
plots.scaling(axes, series, title=title, **labels)
plots.show(figure, alt="Images a second over GPUs, each series a little below its ideal line.")

# %% [markdown]
# In these runs every GPU had a batch of its own, so the batch grew with the GPUs: weak scaling,
# looked at as time for one image.
#
# **Reflect.** What would Amdahl's fit predict for 1,024 GPUs, and why is that no promise? Which
# part of a step is not "serial", yet does not get shorter with ranks?

# %% [markdown]
# **Larger steps.** With k times the ranks the batch is k times as large, and there are k times
# fewer steps. For SGD one rule says: k small steps of rate r go about as far as one step of rate
# k r, as long as the gradient hardly changes in between (Goyal and others, 2017, who warm up
# first). AdamW divides by the size of the gradient, so its steps are as long whatever the batch.
#
# **Predict.** A batch of 32 in place of 8: by which factor of the learning rate does it end
# nearest to the small batches, with SGD and with AdamW?

# %%
guessed_factor_sgd = None  # of 1, 2, 4 and 8
guessed_factor_adamw = None  # of 1, 2, 4 and 8

# %% tags=["nbval-ignore-output"]
times_larger, factors = 4, (1, 2, 4, 8)
seeds = range(seed, seed + (1 if repeats < 10 else 2))
setting = {"times": times_larger, "factors": factors, "steps": steps}
found = {
    name: [images.distances(name, **setting, seed=each) for each in seeds]
    for name in images.LEARNING_RATES
}
nearest = {}
for name, runs in found.items():
    apart = np.mean([[row["apart"] for row in rows] for rows in runs], axis=0)
    nearest[name] = factors[int(apart.argmin())]
    print(
        name, *(f"factor {f}: {a:.2f} apart" for f, a in zip(factors, apart, strict=True)), sep="; "
    )
linear = [rows[factors.index(times_larger)]["apart"] for rows in found["SGD"]]
middle = float(np.mean(linear))
interval = records.Result(middle, min(linear), max(linear), n=len(linear), kind="measured")
collected["linear_factor_apart"] = interval
for name, guess in {"SGD": guessed_factor_sgd, "AdamW": guessed_factor_adamw}.items():
    display(show_prediction(f"factor_{name.lower()}", records.counted(nearest[name]), guess=guess))

# %% [markdown]
# *Apart* is the distance between the weights of both ends, in units of the way from the common
# start to the end of the small batches. It is never 0: fewer, larger steps see less of the curve
# in between. The figure shows how far each run *travelled*; at 1, as far as the small batches.
# Momentum of 0.9 needs some ten steps to get going, so a trial run with few steps falls short.

# %% tags=["nbval-ignore-output"]
series = {}
for name, runs in found.items():
    ways = [[row["travelled"] for row in rows] for rows in runs]
    ends = zip(np.mean(ways, 0), np.min(ways, 0), np.max(ways, 0), strict=True)
    results = [records.Result(*map(float, end), n=len(ways), kind="measured") for end in ends]
    series[name] = list(zip(factors, results, strict=True))
title = f"Nearest: {nearest['SGD']} times the rate with SGD, {nearest['AdamW']} times with AdamW"
labels = {"x_label": "factor of the learning rate [1]", "y_label": "way travelled [1]"}
figure, axes = plots.new_figure(data="digits; range over seeds", wide=True)
plots.learning_curve(axes, series, title=title, **labels)
axes.axhline(1, color=plots.GREY, linewidth=0.7)
plots.show(figure, alt="Way travelled against the factor: both rise, AdamW's line lies higher.")

# %% [markdown]
# **Reflect.** Where does each line cross 1, and which factor do these runs suggest for AdamW, k or
# its square root? Compare with the losses in `found`: is ending at the same place what you want,
# or a low loss? What would you check before you trust a rule at 64 times the batch?

# %% [markdown]
# ## 14. Faults that raise nothing
#
# A job that is wrong and crashes is lucky. Data parallelism can be wrong and train on: every rank
# is busy, all ranks hold the same weights, the loss falls. You will train five jobs that look
# alike. One is healthy, each of the others has a fault that people have shipped. An **invariant**
# finds each: something that must hold in every correct job, whatever the data.

# %%
from labs.gpu_training import equality
from labs.gpu_training.faults import evidence, jobs
from labs.shared import tables

# %% [markdown]
# **By hand.** Suppose that gradients are summed over the ranks, not averaged: with two ranks
# everything is twice as large. What does an optimiser make of that? One step on one weight, with
# the gradient and with its double:


# %%
def moved(kind, gradient):
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.tensor([gradient])
    kind([weight], lr=0.01, weight_decay=0.0).step()
    return 1 - float(weight.detach())


for kind in (torch.optim.SGD, torch.optim.AdamW):
    once, doubled = moved(kind, 0.1), moved(kind, 0.2)
    print(f"{kind.__name__}: the weight moves by {once:.3f}, with the double by {doubled:.3f}")

# %% [markdown]
# SGD moves twice as far, which shows at once. AdamW divides a mean of gradients by the root of a
# mean of their squares: any factor cancels. The fault stays hidden until somebody clips gradients,
# adds a penalty to the loss, or changes the optimiser.

# %% [markdown]
# ### Exercise 2.13: diagnose a job (extension, 0 points, 40 minutes)
#
# `diagnose(evidence)` returns the name of a fault, or `"healthy"`. The evidence is a dict:
# `ranks`; `dropout`, a share; `batches`, `masks`, `states`, lists by rank, then step, of hashes of
# the sequences, of a probe of the dropout, of the weights; `applied` and `expected`, arrays
# (steps, buckets): the norm of what the optimiser got, and of the mean over the ranks. A job has
# one fault at most:
#
# - `"same shard"`: every rank trains on the same sequences, in every step.
# - `"shared dropout"`: every rank drops at the same places, in every step; with a dropout of 0
#   nothing is dropped, and nothing is wrong.

# %% [markdown]
# - `"summed gradients"`: the optimiser gets the sum over the ranks for their mean, in every bucket
#   and step.
# - `"stale bucket"`: from the second step on, the optimiser gets for one bucket the mean of the
#   step before.
# - `"healthy"`: no fault; norms differ by rounding, at most a part in 1,000, and now and then ranks
#   agree in a single step by chance.
#
# About 10 lines. Which of the five kinds of evidence do you not need?


# %%
# Exercise 2.13
def diagnose(evidence):
    """Return the name of the fault, or "healthy"."""

    ### BEGIN SOLUTION
    def agree(hashes):
        return all(rank == hashes[0] for rank in hashes)

    scale = evidence["applied"] / evidence["expected"]
    if agree(evidence["batches"]):
        return "same shard"
    if evidence["dropout"] > 0 and agree(evidence["masks"]):
        return "shared dropout"
    if np.abs(scale - 1).max() <= 1e-3:
        return "healthy"
    is_sum = np.abs(scale - evidence["ranks"]).max() <= 1e-3 * evidence["ranks"]
    return "summed gradients" if is_sum else "stale bucket"
    ### END SOLUTION


# %%
show_check("2.13")

# %% [markdown]
# **The real thing.** One launch trains the five jobs, each on every rank, with dropout. The stale
# bucket comes from a buffer that is read before its all-reduce has written it, a race that real
# overlapped code can have. Open `labs/gpu_training/faults/jobs.py`: each fault is one line.

# %% tags=["nbval-ignore-output"]
ranks = max(2, world_size)  # a single one can have none of these faults
shared = ranks * math.ceil(batch / ranks)
faulty = Workload(size=size, batch=shared, steps=steps, dropout=0.1, seed=seed)
options = {"workload": faulty, "bucket_bytes": 1024 * bucket_kib}
trained = launch(jobs.train_all, world_size=ranks, arguments=options, timeout_s=600).results
order = np.random.default_rng(seed).permutation(jobs.JOBS)
losses = {letter: trained[0][job]["losses"] for letter, job in zip("ABCDE", order, strict=True)}
curves = {
    letter: [(step, records.Result(y, y, y, n=1, kind="measured")) for step, y in enumerate(each)]
    for letter, each in losses.items()
}
ends = [each[-1] for each in losses.values()]
title = f"Five jobs end with losses from {min(ends):.2f} to {max(ends):.2f}; one is healthy"
figure, axes = plots.new_figure(data="tinyshakespeare", wide=True)
labels = {"x_label": "optimiser step [1]", "y_label": "loss [nat]"}
plots.learning_curve(axes, curves, title=title, **labels)
plots.show(figure, alt="Loss over steps: five falling curves that lie close together.")

# %% [markdown]
# **Predict.** Could you name the faults from the curves? Their letters are in a random order. Say
# how many of the four you would bet on, then let `diagnose` look at the evidence.

# %%
guessed_faults = None  # of four, found by eye

# %% tags=["nbval-ignore-output"]
diagnose = best("2.13", diagnose)
healthy = trained[0][jobs.HEALTHY]["weights"]
rows = []
for letter, job in zip("ABCDE", map(str, order), strict=True):
    found = evidence.collect(trained, job=job, dropout=faulty.dropout)
    apart = equality.largest_difference(trained[0][job]["weights"], healthy)
    same = all(states == found["states"][0] for states in found["states"])
    row = {"curve": letter, "job": job, "diagnosis": diagnose(found)}
    row |= {"ranks agree": "yes" if same else "no", "weights from healthy": f"{apart:.1g}"}
    rows.append(row)
named = sum(row["job"] == row["diagnosis"] != jobs.HEALTHY for row in rows)
collected["faults_found"] = records.counted(named)
display(tables.Table(rows))
show_prediction("faults_found", records.counted(named), guess=guessed_faults)

# %% [markdown]
# **Reflect.** In every job all ranks agree in their weights, the check that most people make. Why
# must they? Which job differs least from the healthy one, and what hides it? Training on the same
# shard costs nothing in these few steps: what would it cost over a whole epoch, and which number
# of your loss curve would show it?

# %% [markdown]
# ## 15. Energy to a target loss
#
# A larger batch or more workers may finish sooner and still cost more energy. The fair question is
# not joules per step but joules *to a loss*: train until the validation loss reaches a target, and
# add up the energy of all steps until then. A single low loss may be luck, so a running mean has to
# get there.

# %%
from labs.gpu_training import energy_to_loss
from labs.shared.transformer import SIZES

# %% [markdown]
# **By hand.** Looks at the validation loss give 4, 3, 2, 3 and 0.5; the training before each took
# 1, 2, 4, 8 and 16 J. The target is a mean of 2 over the last 2 looks. These means are 3.5, 2.5,
# 2.5 and 1.75, so it is reached at look 5, after 31 J. The single loss of 2 at look 3 was luck.

# %% [markdown]
# ### Exercise 2.14: energy to a target (extension, 0 points, 20 minutes)
#
# `energy_to_target(losses, energies_j, target, window)`, 4 to 8 lines, gets the losses of all looks
# and the energy [J] spent before each, and returns two numbers, looks and energy:
#
# - The target is reached at the first look where the mean of the last `window` losses, its own
#   included, is at most `target`.
# - A mean of fewer than `window` losses does not count.
# - The energy is the sum of all looks up to this one, and looks count from 1.
# - If the target is never reached, the answer is None.


# %%
# Exercise 2.14
def energy_to_target(losses, energies_j, target, window):
    """Return (looks, energy in J) until the running mean reaches the target, or None."""
    ### BEGIN SOLUTION
    for looks in range(window, len(losses) + 1):
        if sum(losses[looks - window : looks]) / window <= target:
            return looks, sum(energies_j[:looks])
    return None
    ### END SOLUTION


# %%
show_check("2.14")

# %% [markdown]
# **Measure.** Three batches, one learning rate, the same network. The batch of 64 sees 16 times as
# many characters a step as the batch of 4.
#
# **Predict.** How many times as many steps as the batch of 64 does the batch of 4 need to the
# target? And which of the three needs the least energy?

# %%
guessed_steps = None  # of the batch of 4, as a multiple of those of the batch of 64

# %% tags=["nbval-ignore-output"]
target, window = (2.7, 3) if steps > 10 else (3.1, 3)  # a trial run has an easier target
runs, most = {}, 5 * math.ceil(4 * steps / 5)  # steps; the loss is looked at every 5
for sequences in (4, 16, 64):
    each = Workload("tiny", batch=sequences, steps=most, learning_rate=3e-3, seed=seed)
    runs[f"batch {sequences}"] = energy_to_loss.train(each)
run = runs["batch 16"]
print(f"energy: {run.tier}, from {run.source}, sure to within {run.error:.0%}")

# %% [markdown]
# Where energy is modelled, it comes from CPU time: it is time in other units, no second quantity,
# and comparing it with time would compare time with itself. What still means something is the
# product: steps to the target, times what a step costs.

# %% tags=["nbval-ignore-output"]
energy_to_target = best("2.14", energy_to_target)
reached = {n: energy_to_target(r.losses, r.energies_j, target, window) for n, r in runs.items()}
for name, found in reached.items():
    cost = f"{found[0] * runs[name].every} steps, {found[1]:.1f} J" if found else "not reached"
    print(f"{name:9s} {cost}")
if found := reached["batch 16"]:
    looks = found[0] * run.every
    collected["steps_to_loss"] = records.Result(looks, looks, looks, n=1, kind="measured")
    collected["energy_to_loss_j"] = run.result(found[1])
if (few := reached["batch 64"]) and (many := reached["batch 4"]):
    display(show_prediction("steps_ratio", records.counted(many[0] / few[0]), guess=guessed_steps))

# %% tags=["nbval-ignore-output"]
curves = {name: energy_to_loss.curve(r, window) for name, r in runs.items()}
told = ", ".join(f"{f[0] * run.every if f else 'more'} ({n})" for n, f in reached.items())
title = f"Steps to a loss of {target}: {told}"
figure, axes = plots.new_figure(data="tinyshakespeare", wide=True)
labels = {"x_label": "optimiser steps [1]", "y_label": "validation loss [nat]"}
plots.learning_curve(axes, curves, title=title, **labels)
axes.axhline(target, color=plots.GREY, linewidth=0.8)
plots.show(figure, alt="Smoothed validation loss against steps for three batches, with the target.")

# %% [markdown]
# **More workers.** Now the batch stays, 1,024 sequences of the `large` network, and more GPUs share
# it. Steps to the target do not change; energy is ranks times time, at the same power for all, on
# the assumed machines of section 7. Below, a multiple of what 8 GPUs need.

# %%
ratios = energy_to_loss.ratios(SIZES["large"], sequences=1024, ranks=(8, 16, 32, 64, 128, 256))
rises = energy_to_loss.rises_at(ratios)
title = f"From {rises} GPUs on, a step takes over 10% more energy" if rises else "No rise yet"
figure, axes = plots.new_figure(data="none, a model")
axes.set_xscale("log", base=2)
axes.xaxis.set_major_formatter("{x:,.0f}")
labels = {"x_label": "ranks [1]", "y_label": "energy, 8 ranks = 1 [1]"}
plots.learning_curve(axes, {"ddp": ratios}, title=title, **labels)
plots.show(figure, alt="Modelled energy of a step against ranks: flat at first, then rising.")

# %% [markdown]
# **Reflect.** Which batch needed the fewest steps, which the least energy, and is the difference
# larger than the error of the source? One run each: what would another seed change? Why does the
# energy stay flat on few GPUs and rise on many, and what would you do with GPUs that wait?

# %% [markdown]
# ## Hand over the results
#
# One call shows what was measured, counted and modelled, and hands it to whoever runs this
# notebook: `lab run` writes it with its uncertainty into a record, so that runs with other
# parameters and on other machines can be compared.

# %% tags=["nbval-ignore-output"]
records.show_results(data="tinyshakespeare", **collected)

# %% [markdown]
# ## Submit
#
# Choose *Run, Restart Kernel and Run All Cells*: each check should say that its open cases pass,
# and no cell should show an error. Save the notebook, then run this in a terminal in the course
# folder: `lab submit gpu_training`. It says for every exercise whether your answer is found, and
# makes `gpu_training.zip`, the file to hand in. If you worked in Colab, download the notebook
# first and give its path and link: `lab submit gpu_training PATH --url LINK`.
