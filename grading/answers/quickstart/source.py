# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quickstart: one small network, measured
#
# **Time** about 10 minutes. **Hardware** any laptop with 2 cores; no GPU, no network.
# **Data** 1,797 real handwritten digits of 8 by 8 pixels, which come with scikit-learn.
#
# You train a small network, count what it does, measure what it takes, shrink its weights to
# small whole numbers, and decide which version you would ship. Every number comes with its
# uncertainty, because a number without one cannot be compared with anything.

# %% [markdown]
# ## Goals
#
# After this notebook you can
#
# - work out the parameters and multiply-accumulate operations (MACs) of a convolution,
# - measure time, memory and energy, and say how sure you are of each,
# - round weights to a few bits, and tell whether the loss of accuracy is real,
# - argue for one version with numbers that you measured yourself.

# %% [markdown]
# ## Parameters
#
# Every result below follows from these five values. Change one and run everything again, or
# leave the notebook as it is and run it from a terminal:
# `lab run quickstart -p width 16 -o wide.ipynb`.

# %% tags=["parameters"]
seed = 0  # start of the random weights and of the order of the digits
epochs = 12  # passes over the training digits
width = 8  # channels of the first convolution
bits = 8  # bits per weight after rounding, 2 to 8
measure_s = 0.5  # seconds that the latency is measured for, at least

# %% [markdown]
# ## Background
#
# A lab repeats one loop: **predict**, work it out **by hand** on a tiny input, **check** your
# function, use it on the **real thing**, **measure**, and **reflect**. Cells that begin with
# `# Exercise` are yours. A wrong answer never blocks what follows: if a check does not pass yet,
# a given function takes its place and the notebook says so.

# %%
import numpy as np
import torch

from course_utils import counting, data, energy, memory, plots, records, stats, timing, widgets
from labs.engine.notebook import best, show_check, show_prediction
from labs.quickstart import network, pictures, shrink

torch.set_num_threads(1)  # so that times do not depend on the number of cores

# %% [markdown]
# ## 1. The data
#
# The digits are split once and for all: most for training, some to watch the training with
# (validation), and some that stay closed until the end (test). Whatever you choose, you choose on
# the validation digits; otherwise you would pick what happens to suit the test digits.

# %%
train, validation, test = (data.load("digits", split=s) for s in ("train", "val", "test"))
digits = {
    s.split: (torch.from_numpy(s.x), torch.from_numpy(s.y)) for s in (train, validation, test)
}
{name: tuple(images.shape) for name, (images, labels) in digits.items()}

# %%
figure, axes = plots.new_figure(data="digits, training split", wide=True)
pictures.digit_strip(axes, train)
plots.show(figure, alt="The digits 0 to 9 as coarse grey pictures of 8 by 8 pixels, side by side.")

# %% [markdown]
# ## 2. Train
#
# **Predict.** The network has two small convolutions and one linear layer; open
# `labs/quickstart/network.py`, it is one page. Which share of the validation digits will it get
# right? Write your guess before you run on. Guesses are never graded.

# %%
guessed_top1 = None  # a number from 0 to 1

# %% [markdown]
# Training runs under a meter, which shows time, memory, power and carbon while it runs. The peak
# of memory is taken at the same time, on top of what Python and PyTorch held already.

# %% tags=["nbval-ignore-output"]
model = network.DigitsNet(width=width, seed=seed)
with widgets.live_meter(), memory.peak_memory() as peak:
    training = network.train(model, digits["train"], watch=digits["val"], epochs=epochs, seed=seed)
    history = list(training)

# %% [markdown]
# The curve shows the accuracy on the validation digits after each pass. The band is the 95 %
# interval that this number of digits allows: with few digits the true accuracy could lie anywhere
# inside it.

# %% tags=["nbval-ignore-output"]
curve = [
    (epoch.number, stats.proportion_interval(epoch.correct, epoch.n).result()) for epoch in history
]
figure, axes = plots.new_figure(data="digits, validation split")
drawn = plots.learning_curve(
    axes,
    {"validation": curve},
    x_label="passes over the training digits [1]",
    y_label="accuracy [1]",
    title=f"After {epochs} passes {curve[-1][1].value:.0%} of the validation digits are right",
)
plots.show(figure, alt="Validation accuracy against passes over the data, with a 95 % band.")

# %% tags=["nbval-ignore-output"]
right_float = network.is_right(model, digits["val"]).numpy()
top1_float = stats.proportion_interval(int(right_float.sum()), len(right_float)).result()
show_prediction("top1", top1_float, guess=guessed_top1)

# %% [markdown]
# **Reflect.** How wide is the interval? Roughly, it shrinks with the square root of the number of
# digits. How many digits would you need to tell 97 % from 98 % for sure? Keep the answer in mind:
# it decides what you may conclude at the end.

# %% [markdown]
# ## 3. Count
#
# **By hand.** One 3x3 kernel on one 8x8 picture, padded so that the output is 8x8 again: the
# kernel has 9 weights and lies at 64 places, which makes 9 x 64 = 576 MACs. A MAC is one multiply
# with one add; the bias is added once per place and not counted.
#
# **Predict.** How many MACs does the whole network need for one digit?

# %%
guessed_macs = None  # a whole number

# %% [markdown]
# ### Exercise 0.1: what a convolution costs (4 points, 3 minutes)
#
# Write `conv_cost`, which returns `(params, macs)` of one convolution with square kernels of odd
# side, padded by `kernel // 2` on every side. About 4 lines.
#
# - Each output channel has one kernel for every input channel, and one bias.
# - A MAC is one weight times one input, added up; biases cost no MACs.
# - With a stride of s only every s-th row and column is computed. The first is number 0, then s,
#   2s and so on, as long as they lie on the picture.


# %%
# Exercise 0.1
def conv_cost(in_channels, out_channels, kernel, height, width, stride=1):
    """Return (params, macs), two whole numbers."""
    ### BEGIN SOLUTION
    weights = in_channels * out_channels * kernel * kernel
    rows = (height + stride - 1) // stride
    columns = (width + stride - 1) // stride
    return weights + out_channels, weights * rows * columns
    ### END SOLUTION


# %%
show_check("0.1")

# %% [markdown]
# **The real thing.** Your function counts the two convolutions; the linear layer is one weight
# per input and output. `course_utils.counting` counts the whole network on its own, by watching
# one digit pass through it. The two must agree.

# %%
conv_cost = best("0.1", conv_cost)
convolutions = [conv_cost(1, width, 3, 8, 8), conv_cost(width, 2 * width, 3, 4, 4)]
linear = (8 * width * 10 + 10, 8 * width * 10)
by_hand = tuple(sum(layer) for layer in zip(*convolutions, linear))
one = digits["val"][0][:1]
counts = counting.count(model, one)
print("by hand", by_hand, "and counted", (counts.params, counts.macs))

# %%
show_prediction("macs", records.counted(counts.macs), guess=guessed_macs)

# %% [markdown]
# **Reflect.** Which layer holds most of the weights, and which does most of the work? The table
# of `counts` answers both. They are often not the same layer: a convolution uses each weight at
# many places, a linear layer uses it once.

# %%
counts

# %% [markdown]
# ## 4. Measure
#
# A single timing says little: caches are cold, other programs run, clocks change. `timing.latency`
# warms up, repeats until it has enough, and reports the median with its interval; it also says
# when the machine was too noisy to trust. One digit at a time is what a phone would see.
#
# **Predict.** How many milliseconds does one digit take?

# %%
guessed_latency_ms = None  # milliseconds

# %% tags=["nbval-ignore-output"]
with torch.no_grad():
    latency = timing.latency(lambda: model(one), min_elapsed_s=measure_s)
display(latency)
show_prediction("latency_ms", latency.result(), guess=guessed_latency_ms)

# %% [markdown]
# Energy is harder. Some processors count it themselves; where they do not, it is modelled from
# the processor time, and the interval says how far the model may be off. A modelled energy follows
# from time, so it is no second opinion about which version is faster.

# %% tags=["nbval-ignore-output"]
with torch.no_grad():
    energy_per_digit = energy.energy_per_call(lambda: model(one))
energy_per_digit

# %% [markdown]
# How good is that latency? The roofline of this machine says how many operations per second it
# reaches on large matrices, where arithmetic is all there is. One MAC is two operations.

# %% tags=["nbval-ignore-output"]
roof = counting.measure_roofline(budget_s=measure_s)
ops_per_s = 2 * counts.macs / (latency.median_ms / 1000)
print(f"this network: {ops_per_s / 1e9:.2f} billion operations per second")
print(f"this machine: {roof.peak_ops_per_s.value / 1e9:.2f} billion operations per second")
print(f"so the network uses {ops_per_s / roof.peak_ops_per_s.value:.2%} of it")

# %% [markdown]
# **Reflect.** Where does the rest of the time go? For a network this small, think of what PyTorch
# does around each layer, and of what would change with 100 digits at once. Counting and measuring
# answer different questions, and you need both.

# %% [markdown]
# ## 5. Shrink
#
# **By hand.** Three weights, 0.635, -0.3175 and 0, are to become whole numbers from -127 to 127,
# which fit into 8 bits. Divide by a scale of 0.635 / 127 = 0.005 and round: 127, -64 (or -63) and
# 0. Multiplied by the scale again they are 0.635, -0.32 and 0: off by at most half a step.
#
# **Predict.** How much accuracy does the network lose with 8 bits per weight? And with 2?

# %%
guessed_loss = None  # accuracy lost with `bits` bits, from 0 to 1

# %% [markdown]
# ### Exercise 0.2: weights as small whole numbers (4 points, 3 minutes)
#
# Write `quantize(weights, bits)`, which returns `(codes, scale)`: an array of whole numbers with
# the shape of `weights`, and one positive float. About 5 lines of NumPy.
#
# - With b bits the codes lie in -(2^(b-1) - 1) to 2^(b-1) - 1: for 8 bits from -127 to 127.
# - The scale maps the largest absolute weight to the largest code.
# - A code is the nearest whole number to weight / scale.
# - If all weights are 0, the scale is 1.


# %%
# Exercise 0.2
def quantize(weights, bits):
    """Return (codes, scale) with weights close to codes * scale."""
    ### BEGIN SOLUTION
    top = 2 ** (bits - 1) - 1
    largest = np.abs(weights).max()
    scale = float(largest) / top if largest > 0 else 1.0
    codes = np.round(weights / scale)
    return codes.astype(np.int8), scale
    ### END SOLUTION


# %%
show_check("0.2")

# %% [markdown]
# **The real thing.** `shrink.shrink` sends every weight tensor of the network through your
# function and back, so the copy computes with rounded weights. Both networks see the same
# digits, so we compare them digit by digit: that is far sharper than comparing two accuracies.

# %% tags=["nbval-ignore-output"]
quantize = best("0.2", quantize)
small = shrink.shrink(model, quantize, bits=bits)
right_small = network.is_right(small, digits["val"]).numpy()
loss = stats.paired_difference(right_float, right_small, rng=np.random.default_rng(seed))
show_prediction("top1_loss", loss.result(), guess=guessed_loss)

# %% [markdown]
# **Measure.** Now all versions from 2 to 8 bits: the bytes you would ship (packed codes, one scale
# per tensor, and biases that stay float32), the accuracy, and the accuracy lost on the same digits.
# Time is not in the picture: the copies still compute in float32, so they would be no faster here.

# %% tags=["nbval-ignore-output"]
points, alike = [("float32", records.counted(4 * counts.params), top1_float)], []
for b in (8, 6, 4, 3, 2):
    hits = network.is_right(shrink.shrink(model, quantize, bits=b), digits["val"]).numpy()
    top1 = stats.proportion_interval(int(hits.sum()), len(hits)).result()
    lost = stats.paired_difference(right_float, hits, rng=np.random.default_rng(seed)).result()
    size = records.counted(shrink.shrunk_bytes(model, bits=b))
    points.append((f"{b} bit", size, top1))
    alike += [f"{b} bit"] if lost.low <= 0 else []
    print(f"{b} bit: {size.describe('size_bytes')}, loses {lost.describe('top1')}")

# %% tags=["nbval-ignore-output"]
told = f"cannot tell {', '.join(alike)}" if alike else "tell every version"
figure, axes = plots.new_figure(data="digits, validation split", wide=True)
front = plots.pareto_front(
    axes,
    points,
    x_label="size of the weights [B]",
    y_label="accuracy [1]",
    title=f"These digits {told} from float32",
)
plots.show(figure, alt="Accuracy against size for float32 and 8 to 2 bits; small sizes lose.")

# %% [markdown]
# A version is on the Pareto front if no other is both smaller and more accurate. The bars are
# intervals of each accuracy alone. The printed losses are sharper, since they compare the same
# digits: where such an interval includes 0, these digits cannot tell the version from float32. You
# look at five of them, so one may miss by chance: an interval that just touches 0 proves little.
# One without any width means that no digit differed, not that none ever will.

# %% [markdown]
# ## 6. Decide
#
# ### Exercise 0.3: which one do you ship? (2 points, 2 minutes)
#
# The network goes into a toy that reads digits, with 1,500 bytes left for its weights. Which
# version do you choose, and what do you lose for sure? Name at least two of your own numbers with
# their intervals, and one thing that you did not measure but would before shipping.
# About 80 words.

# %% [markdown]
# #### Exercise 0.3
#
# ### BEGIN SOLUTION
# I ship the version with 4 bits. It takes 1,080 B of the 1,500 allowed; the one with 6 bits takes
# 1,546 B and does not fit. On the same validation digits 4 bits lose 0.0112 [-0.0084, 0.0308] of
# the accuracy. The interval includes 0, so with these digits I cannot tell it from float32, and
# at worst I lose about 3 in 100 digits. With 3 bits I would lose 0.0392 [0.014, 0.0644], which is
# a loss for sure. The latency I measured belongs to my laptop and to float32: before shipping I
# would measure time and energy of a real 4-bit kernel on the toy's own processor.
# ### END SOLUTION

# %% [markdown]
# ## 7. Hand over the results
#
# Now the test digits, once, for the version that `bits` chose. One call shows the results and hands
# them to whoever runs this notebook: `lab run` writes them with their uncertainty into a record, so
# that runs with other parameters can be compared.

# %% tags=["nbval-ignore-output"]
tested = [network.is_right(net, digits["test"]).numpy() for net in (model, small)]
accuracies = [stats.proportion_interval(int(hits.sum()), len(hits)).result() for hits in tested]
test_loss = stats.paired_difference(*tested, rng=np.random.default_rng(seed))
records.show_results(
    data="digits",
    top1_float=accuracies[0],
    top1_quantized=accuracies[1],
    top1_loss=test_loss.result(),
    params=records.counted(counts.params),
    macs=records.counted(counts.macs),
    size_float_bytes=records.counted(4 * counts.params),
    size_quantized_bytes=records.counted(shrink.shrunk_bytes(model, bits=bits)),
    latency_ms=latency.result(),
    peak_memory_bytes=peak.result(),
    energy_mj=energy_per_digit.result_mj(),
)

# %% [markdown]
# ## Submit
#
# Choose *Run, Restart Kernel and Run All Cells*: each check should say that its open cases pass,
# and no cell should show an error. Save the notebook, then run this in a terminal in the course
# folder: `lab submit quickstart`. It says for every exercise whether your answer is found, and
# makes `quickstart.zip`, the file to hand in. If you worked in Colab, download the notebook
# first and give its path and link: `lab submit quickstart PATH --url LINK`.
