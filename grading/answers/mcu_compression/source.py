# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Keyword spotting, made small
#
# **Time** about 4 and a half hours for these nine exercises, and as much as 7 with all reading and
# reflecting; the second half of the lab puts the result on a microcontroller. **Hardware** any
# laptop with 2 cores; no GPU, no network. **Data** spoken words; without a download, words that a
# speech synthesiser made.
#
# A device that wakes up on "go" hears all day, on a battery, with less memory than one photograph
# takes. You train a network that hears ten words, then make it small: fewer bits, fewer weights,
# fewer channels. At each step you predict, build, check, measure, and say how sure you are.

# %% [markdown]
# ## Goals
#
# After this notebook you can
#
# - work out what a network costs in operations, memory and arithmetic energy before you run it,
# - turn sound into the features that a keyword spotter hears, step by step,
# - give an accuracy with an interval that respects that clips come from speakers,
# - quantise a network to 8, 4 and 2 bits, after and during training,
# - prune weights and channels, and tell why fewer operations need not mean less time,
# - choose a detection threshold by misses and false alarms per hour,
# - defend one version in a memo with numbers that you measured yourself.

# %% [markdown]
# ## Parameters
#
# Every result below follows from these eight values. Change one and run everything again, or leave
# the notebook as it is and run it from a terminal, for example
# `lab run mcu_compression -p dataset speech_commands -p epochs 40 -o real.ipynb` for real speech.

# %% tags=["parameters"]
dataset = "keywords_synthetic"  # name of a set of spoken words, see `lab data list`
width = 1.0  # channels of your own network, as a multiple of 64
bits = 4  # bits per weight of the version that you look at closely, 2 to 8
sparsity = 0.5  # share of the weights or channels that pruning takes away, 0 to 0.9
epochs = 12  # passes over the training clips
seed = 0  # start of every random choice
noise = 0.1  # loudest background noise mixed into training clips, as a share of the clip's peak
batch = 32  # clips per training step

# %% [markdown]
# ## Background
#
# The task is that of MLPerf Tiny: one second of sound in, one of twelve classes out (ten words,
# silence, and any unknown word). The network is its reference, a depthwise-separable CNN; open
# `labs/shared/networks.py`, it is short. Cells that begin with `# Exercise` are yours. A wrong
# answer never blocks what follows: a given function takes its place and the notebook says so.

# %%
import numpy as np
import torch

from course_utils import counting, memory, plots, records, stats, widgets
from labs.engine.notebook import best, show_check, show_prediction
from labs.mcu_compression import keywords, limits, training
from labs.shared import networks

limits.check(width=width, bits=bits, sparsity=sparsity, epochs=epochs)
limits.check(seed=seed, noise=noise, batch=batch)
torch.set_num_threads(1)  # so that times do not depend on the number of cores
rng = np.random.default_rng(seed)

# %% [markdown]
# ## The data
#
# The clips are split by speaker: nobody is heard in two of the three parts, so the test asks what
# counts for a product, whether it works for people it never heard. You choose on the validation
# clips; the test clips are for reporting, never for choosing.

# %%
clips = {split: keywords.load_clips(dataset, split) for split in ("train", "val", "test")}
features = {split: part.features() for split, part in clips.items()}
for part in clips.values():
    print(part)

# %% [markdown]
# The default set is **synthetic**: a program speaks, in several hundred voices. Every question of
# this lab can be asked on it, but its accuracies say nothing about people: synthetic speech is
# cleaner and more alike. Each figure and each record therefore names its data. For real speech,
# choose `dataset = "speech_commands"`, a download of 113 MB.

# %% [markdown]
# ## 1. Operations and energy
#
# A keyword spotter listens all day on a coin cell, so its budget is energy. Where does energy go?
# Mark Horowitz published what single operations cost in a chip of 45 nm, in picojoules (1 pJ =
# 1e-12 J). The table is old and rounded, but its proportions still explain most of what this lab
# does: why fewer bits, fewer weights, and memory close by.

# %%
from course_utils import units
from labs.mcu_compression import counting_pictures, devices, operations, tables

operations.ENERGY_PJ

# %% [markdown]
# **Predict.** Two guesses before you compute. One 32-bit word read from DRAM, a memory chip of its
# own: how many int8 additions does it cost? And one inference of this lab's network: how many times
# less energy does its arithmetic take in int8 (products added up in int32) than in float32?

# %%
guessed_dram_adds = None  # int8 additions for one read from DRAM
guessed_int8_saving = None  # times less energy than float32

# %% [markdown]
# **By hand.** A neuron with three inputs needs three multiply-accumulates (MACs): three products,
# each added to a sum. In int8 a product takes 0.2 pJ; the sum is kept in int32, 0.1 pJ an addition.
# Together 3 x (0.2 + 0.1) = 0.9 pJ. In float32 it is 3 x (3.7 + 0.9) = 13.8 pJ. A million such
# neurons take 0.9 uJ and 13.8 uJ (1 uJ = 1e-6 J, a million picojoules).

# %% [markdown]
# ### Exercise 1.1: operations and energy (4 points, 10 minutes)
#
# Write two functions, of one or two lines each.
#
# `relative_energy(energy_pj, base)` takes a dict from names to energies and one of its names. It
# returns a new dict with the same names in the same order.
#
# - Every entry is divided by that of `base`, which itself becomes 1.
# - Nothing is rounded.
#
# `arithmetic_energy_uj(macs, multiply_pj, add_pj)` takes a number of MACs and the energy of one
# multiply and one add in picojoules, and returns microjoules.
#
# - A MAC is one multiply and one add.
#
# The check works out the rows of the neuron above.


# %%
# Exercise 1.1
def relative_energy(energy_pj, base):
    """Return name -> energy as a multiple of that of base."""
    ### BEGIN SOLUTION
    return {name: each_pj / energy_pj[base] for name, each_pj in energy_pj.items()}
    ### END SOLUTION


def arithmetic_energy_uj(macs, multiply_pj, add_pj):
    """Return the energy of the MACs, in microjoules."""
    ### BEGIN SOLUTION
    return macs * (multiply_pj + add_pj) / 1e6
    ### END SOLUTION


# %%
show_check("1.1")

# %% [markdown]
# **The real thing.** Your first function fills the column that the printed table leaves open. The
# axis of the picture has powers of ten: each vertical line is ten times the one before it. The bars
# around the points are what rounding in the table leaves open, half a unit of the last digit.

# %%
relative_energy = best("1.1", relative_energy)
arithmetic_energy_uj = best("1.1", arithmetic_energy_uj)
table = {name: operations.modelled_uj(lambda pj: pj, name) for name in operations.ENERGY_PJ}
multiples = relative_energy(operations.ENERGY_PJ, "int8 add")
dram_adds = multiples["32-bit read, DRAM"]
named = {f"{name}   ({units.format_number(multiples[name])} x)": table[name] for name in table}
figure, axes = plots.new_figure(data=operations.SOURCE.partition(",")[0] + ", 45 nm", wide=True)
counting_pictures.ladder(
    axes,
    named,
    x_label="energy of one operation [pJ]",
    title=f"One read from DRAM costs as much as {dram_adds:,.0f} additions in int8",
)
plots.show(figure, alt=f"Energies from int8 add to DRAM read, a span of {dram_adds:,.0f} times.")

# %%
show_prediction("dram_read_in_int8_adds", records.counted(dram_adds), guess=guessed_dram_adds)

# %% [markdown]
# Now the network, DS-CNN at the `width` above. How many MACs it needs for one second of sound you
# count yourself in 1.3; here `counting` says it. The energies follow from the table, so their kind
# is *modelled*, and their intervals hold the rounding of the table and nothing else.

# %%
counts = counting.count(networks.ds_cnn(width=width), torch.zeros(1, *networks.KEYWORD_SHAPE))
energies = {
    name: operations.modelled_uj(lambda m, a: arithmetic_energy_uj(counts.macs, m, a), *pair)
    for name, pair in {"int8": operations.INT8_MAC, "float32": operations.FLOAT32_MAC}.items()
}
saving = operations.ratio(energies["float32"], energies["int8"])
show_prediction("int8_saving", saving, guess=guessed_int8_saving)

# %% [markdown]
# Arithmetic needs its numbers, so weights must come from somewhere. The next picture adds what it
# takes to read all int8 weights once, from a small SRAM or from DRAM, and at the bottom what a real
# microcontroller took for one inference of the network at width 1. That figure was measured and
# published by others; it comes without an interval.

# %%
published = counting.count(networks.ds_cnn(), torch.zeros(1, *networks.KEYWORD_SHAPE))
parts = operations.lower_bounds_uj(
    arithmetic_energy_uj, macs=published.macs, params=published.params
)
above = operations.DEVICE_INFERENCE_UJ.value / parts["arithmetic in int8"].value
parts["all of it, on a microcontroller"] = operations.DEVICE_INFERENCE_UJ

# %%
figure, axes = plots.new_figure(data=f"table: 45 nm; device: {operations.DEVICE}", wide=True)
counting_pictures.ladder(
    axes,
    parts,
    x_label="energy of one inference at width 1 [uJ]",
    title=f"The device takes {above:,.0f} times what the table gives for int8 arithmetic",
)
told = "; ".join(f"{name} {result.describe('energy_uj')}" for name, result in parts.items())
print(f"the device's figure: {operations.DEVICE_SOURCE}")
plots.show(figure, alt=f"Energies of one inference on a log axis: {told}.")

# %% [markdown]
# Read the distance, not the digits. The table counts multiplying and adding. A device also fetches
# and decodes every instruction, works out addresses, loads operands, drives its clock, and leaks
# for as long as the inference lasts, in another technology and voltage. So the arithmetic is a
# lower bound, far below. It says nothing about how much a device saves with int8: only a device
# can.

# %% [markdown]
# **Reflect.** Two questions for your memo in 1.9. Which parts of a device's work does the sum leave
# out, and which of them shrink when numbers get 8 bits? And the row with DRAM: a microcontroller
# has none, its weights lie in flash on the same chip. What follows for the argument "reading
# weights costs more than computing with them", on your laptop and on this device?

# %% [markdown]
# ## 2. From sound to 49 x 10 numbers
#
# One second of sound is 16,000 samples. The network reads 490 numbers: 49 moments, 10 numbers each,
# called mel-frequency cepstral coefficients (MFCCs). On a device this front end runs for every
# second of the day, so you should know what it keeps, what it throws away, and what it costs.

# %%
from IPython.display import Audio

from labs.mcu_compression import front_end, speech_pictures
from labs.shared import features as library

word = "yes"
spoken = int((clips["train"].labels == keywords.CLASSES.index(word)).nonzero()[0, 0])
clip = library.peak_normalized(clips["train"].samples[spoken : spoken + 1])[0].numpy()
Audio(clip, rate=library.SAMPLE_RATE_HZ)

# %% [markdown]
# You should hear one voice say "yes". If you cannot hear it, the first panel of the picture further
# down shows the same second: look for a vowel, loud and low, and the hiss of an s, faint and high.
#
# **Predict.** How many of the 16,000 samples are left, as numbers, after the front end, in percent?
# And what does the front end cost compared with the network: how many of its multiplications for
# each MAC of the network?

# %%
guessed_numbers_percent = None  # from 0 to 100
guessed_front_end_share = None  # multiplications of the front end for each MAC of the network

# %% [markdown]
# **By hand, frames.** Take seven samples, 0 1 2 3 4 5 6, a window of 4 and a hop of 2. The first
# frame is 0 1 2 3, the next begins two samples later: 2 3 4 5. A third would need the samples 4 to
# 7, and there is no 7: it is left out. Frames overlap so that no sound falls between two of them.
#
# **By hand, spectrum.** Take a sine that makes two waves in a frame of 8 samples. Its Fourier
# transform has five bins, for 0 to 4 waves a frame. In which bin is it, and how large?

# %%
wave = np.sin(2 * np.pi * 2 * np.arange(8) / 8)
np.abs(np.fft.rfft(wave)).round(6)

# %% [markdown]
# All of it is in bin 2, with half the number of samples as its magnitude: 4. A sound that is cut
# off in the middle of a wave would smear over all bins, so each frame is first faded in and out by
# a *taper* (here Hann's). Mel bands then pool bins as the ear does, narrow below, wide above:

# %%
taper = np.hanning(library.WINDOW_SAMPLES + 1)[:-1]
mel = library.mel_matrix().numpy()
hertz = np.linspace(0, library.SAMPLE_RATE_HZ / 2, len(mel))
inside = [hertz[band > 0] for band in mel.T[[0, -1]]]
first_hz, last_hz = (band[-1] - band[0] for band in inside)
figure, axes = plots.new_figure(wide=True)
speech_pictures.draw_filters(
    axes,
    hertz,
    weights=mel[:, ::3],
    title=f"Every third mel band: the first spans {first_hz:.0f} Hz, the last {last_hz:.0f} Hz",
)
plots.show(figure, alt="Triangles over frequency from 20 to 4,000 Hz, wider to the right.")

# %% [markdown]
# ### Exercise 1.2: from sound to 49 x 10 numbers (8 points, 30 minutes)
#
# Write three functions of 2 to 4 lines with NumPy. The Fourier transform is `np.fft.rfft(x,
# n=...)`, which works on the last axis; its magnitude is `np.abs(...)`. Ready-made features and
# cosine transforms are withheld.
#
# `frame(samples, window, hop)`: samples (n,), n >= window, to frames (frames, window).
#
# - Frame i holds the `window` samples that begin at sample i * hop.
# - Samples that fill no whole frame at the end are left out.

# %% [markdown]
# `log_mel(frames, taper, mel)`: frames (frames, window), taper (window,) and mel (bins, bands) to
# log-mel bands (frames, bands).
#
# - The spectrum is the magnitude of the Fourier transform of the tapered frame.
# - The frame is filled up with zeros at its end to 2 * (bins - 1) samples. `rfft` then gives `bins`
#   bins.
# - A band is the sum of the spectrum over bins, each times its weight in `mel`.
# - The logarithm is the natural one, of each band plus 1e-6. Silence stays finite.

# %% [markdown]
# `mfcc(bands, coefficients)`: log-mel bands (frames, B) to MFCCs (frames, coefficients), for k = 0,
# 1, ..., coefficients - 1 and n = 0, 1, ..., B - 1.
#
# - Coefficient k of a frame is sqrt(2 / B) times the sum over its B bands of band n times cos(pi k
#   (n + 1/2) / B).
#
# By hand with two bands: alike they make coefficient 0 alone, opposite they make coefficient 1
# alone. Low coefficients are the rough shape of the spectrum, high ones its ripples.


# %%
# Exercise 1.2
def frame(samples, window, hop):
    """Return frames, (frames, window)."""
    ### BEGIN SOLUTION
    count = (len(samples) - window) // hop + 1
    return np.stack([samples[i * hop : i * hop + window] for i in range(count)])
    ### END SOLUTION


def log_mel(frames, taper, mel):
    """Return log-mel bands, (frames, bands)."""
    ### BEGIN SOLUTION
    spectrum = np.abs(np.fft.rfft(frames * taper, n=2 * (len(mel) - 1)))
    return np.log(spectrum @ mel + 1e-6)
    ### END SOLUTION


def mfcc(bands, coefficients):
    """Return MFCCs, (frames, coefficients)."""
    ### BEGIN SOLUTION
    centers = np.arange(bands.shape[1]) + 0.5
    turns = np.outer(centers, np.arange(coefficients)) / len(centers)
    return np.sqrt(2 / len(centers)) * bands @ np.cos(np.pi * turns)
    ### END SOLUTION


# %%
show_check("1.2")

# %% [markdown]
# **The real thing.** The clip goes through your three functions, with the sizes of MLPerf Tiny: a
# window of 40 ms, a hop of 20 ms, 1,024 samples in each Fourier transform, 40 mel bands. What the
# network reads is standardised: each coefficient minus its mean over many clips, divided by its
# spread.

# %%
frame, log_mel, mfcc = (best("1.2", function) for function in (frame, log_mel, mfcc))
framed = frame(clip, library.WINDOW_SAMPLES, library.HOP_SAMPLES)
bands = log_mel(framed, taper, mel)
own_mfcc = mfcc(bands, 10)
read = (own_mfcc - keywords.FEATURE_MEAN) / keywords.FEATURE_STD
share_percent = 100 * read.size / clip.size
panels = [
    (f"{clip.size:,} samples", "amplitude [1]", clip),
    ("log spectrum", "bin [1]", log_mel(framed, taper, np.eye(len(mel)))),
    ("log-mel bands", "band [1]", bands),
    ("MFCCs, standardised", "coefficient [1]", read),
]
shape = f"{len(read)} x {read.shape[1]} numbers"
title = f"{clip.size:,} samples become {shape}, {share_percent:.1f} % as many"
figure = speech_pictures.stages(panels, title=title, data=f"{dataset}, {word!r}")
plots.show(figure, alt=f"{title}. Wave, spectrum, mel bands and MFCCs of one word over time.")

# %%
show_prediction("numbers_percent", records.counted(share_percent), guess=guessed_numbers_percent)

# %% [markdown]
# Compare with the library's answer. `labs.shared.features` computes the same in PyTorch in single
# precision, many clips at a time, and the lab uses it from here on. Single precision keeps about
# seven digits, so the two may differ from about the sixth digit of the largest number on.

# %%
with torch.no_grad():
    from_library = library.Mfcc()(torch.from_numpy(clip)[None])[0].numpy()
off = float(np.abs(own_mfcc - from_library).max())
largest = float(np.abs(from_library).max())
print(f"largest coefficient {largest:.3f}")
print(f"largest difference {off:.2g}, which is {off / largest:.1g} of it")

# %% [markdown]
# A share below about 1e-4 is rounding; a mistake in a formula would show in the first digits.
#
# **Measure.** What does it cost? Multiplications of the front end are modelled, n log2 n for a
# Fourier transform of n samples; MACs and activations of the network are counted. A longer hop
# makes fewer columns, fewer coefficients make fewer rows, and the network pays for every number.

# %%
settings = [(40, 20, 10), (20, 10, 10), (40, 40, 10), (40, 20, 5), (40, 20, 20), (64, 20, 10)]
display(tables.Table(front_end.cost_rows(settings)))
standard = front_end.cost()
show_prediction("front_end_share", standard.front_end_share, guess=guessed_front_end_share)

# %% [markdown]
# Turn the knobs: sliders appear below the picture when a notebook server runs this, otherwise the
# standard setting stays. A long window tells frequencies apart and smears time, a short one does
# the reverse; watch the ridges. The title says what each choice costs.

# %%
front_end.explore_features(clip, data=f"{dataset}, {word!r}")

# %% [markdown]
# **Reflect.** Which setting would you try first if the device had half the memory for activations,
# and what in the picture would you lose? The features are a guess about what matters in speech,
# made before any training: name one kind of sound that these 490 numbers cannot tell apart.

# %% [markdown]
# ## 3. Parameters, MACs and peak memory
#
# Three counts decide whether a network fits. Parameters fill the flash, where they stay without
# power. Activations fill the RAM, but only while they are needed. MACs set the least time and
# energy. In the quickstart a formula counted a convolution; here you count any network, by watching
# one example pass through it.

# %% [markdown]
# **Predict.** DS-CNN has one ordinary convolution, then four blocks of a 3x3 convolution that
# filters each channel by itself (depthwise) and a 1x1 convolution that mixes channels (pointwise),
# and a linear layer at the end. Which share of the MACs falls to the pointwise layers? And by which
# factor do all parameters grow when the width doubles from 1 to 2?

# %%
guessed_pointwise_share = None  # of the MACs, from 0 to 1
guessed_growth = None  # parameters at width 2 over those at width 1

# %% [markdown]
# **By hand.** A hook is a function that PyTorch calls after a layer has run; it is handed the
# layer, its inputs (a tuple) and its output. Below one watches a small convolution: 4 kernels of
# 3x3 weights over one channel, and 4 biases, make 40 parameters. The 6x6 picture becomes 4 x 4 x 4
# = 64 numbers, each a sum of 9 products: 576 MACs.

# %%
layer = torch.nn.Conv2d(1, 4, kernel_size=3)


def tell(layer, inputs, output):
    """Say what went through a layer."""
    print(tuple(inputs[0].shape), "->", tuple(output.shape), "weights", tuple(layer.weight.shape))


hook = layer.register_forward_hook(tell)
with torch.no_grad():
    layer(torch.zeros(1, 1, 6, 6))
hook.remove()

# %% [markdown]
# The shapes hold all you need. `output.numel()` is 64; `layer.weight[0].numel()` is 9, the weights
# that go into one output element, whatever kernel, stride or groups the layer has. It works for
# linear layers as well. The hook is removed at the end: one that stays would run, and cost time,
# for ever after.

# %% [markdown]
# ### Exercise 1.3: parameters, MACs and peak memory by hooks (8 points, 30 minutes)
#
# Write `count_layers(network, example)`. It runs `network(example)` once and returns a list of
# dicts with `name`, `params`, `macs`, `input_elements` and `output_elements`, in the order of the
# calls. About 20 lines.
#
# - There is one row for each call of a convolution or linear layer. Those are `torch.nn.Conv2d` and
#   `torch.nn.Linear`; `name` is as in `network.named_modules()`.
# - `params` counts the weights and biases of the layer itself.
# - `macs` counts one for each weight that goes into an output element. Biases cost none.

# %% [markdown]
# - All numbers of elements and MACs are those of the whole example.
# - A layer that is called again has another row, in which `params` is 0.
# - The network runs in evaluation mode and under `torch.no_grad()`.
# - Afterwards the network is as you found it: no hook, and its modes as before. Each module has a
#   mode of its own, `module.training`.
#
# Batch normalisation has no row: in 1.6 you fold it into the convolution before it.
# `functools.partial(note, name)` is one way to tell a hook the name of its layer.


# %%
# Exercise 1.3
def count_layers(network, example):
    """Return one dict for each call of a convolution or linear layer."""
    ### BEGIN SOLUTION
    rows, modes = [], [(module, module.training) for module in network.modules()]

    def note(name, layer, inputs, output):
        is_new = name not in [row["name"] for row in rows]
        params = sum(p.numel() for p in layer.parameters()) if is_new else 0
        macs = output.numel() * layer.weight[0].numel()
        sizes = {"input_elements": inputs[0].numel(), "output_elements": output.numel()}
        rows.append({"name": name, "params": params, "macs": macs, **sizes})

    hooks = [
        layer.register_forward_hook(lambda *seen, name=name: note(name, *seen))
        for name, layer in network.named_modules()
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear))
    ]
    with torch.no_grad():
        network.eval()(example)
    for hook in hooks:
        hook.remove()
    for module, mode in modes:
        module.training = mode
    return rows
    ### END SOLUTION


# %%
show_check("1.3")

# %% [markdown]
# **The real thing.** Your function counts DS-CNN at the `width` of this run, and
# `course_utils.counting` counts it on its own. The two must agree. For the memory of activations we
# take a simple model: a layer needs its input and its output at the same time, and nothing else;
# the peak is the largest such sum.


# %%
def totals(rows):
    """Return parameters, MACs, and the most input and output elements of a layer."""
    peak = max(row["input_elements"] + row["output_elements"] for row in rows)
    return sum(row["params"] for row in rows), sum(row["macs"] for row in rows), peak


count_layers = best("1.3", count_layers)
example = torch.zeros(1, *networks.KEYWORD_SHAPE)
rows = count_layers(networks.ds_cnn(width=width), example)
parameters, macs, peak_elements = totals(rows)
print("yours  ", parameters, macs, peak_elements)
print("library", counts.params, counts.macs, counts.peak_activation_elements)
tables.Table(rows)

# %% [markdown]
# The first convolution is handed 58 x 12 = 696 numbers, not 490: the features within a rim of
# zeros. Within the blocks as many numbers come out of a layer as went in.
#
# Which layers hold the weights, and which do the work? The picture adds up the rows of each kind.
# Kinds that hold few weights may still need much memory: input and output of a depthwise layer are
# as large as those of a pointwise one.

# %%
bars = counting_pictures.shares(rows, {"weights and biases": "params", "MACs": "macs"})
pointwise_percent = [bar["pointwise"].value for bar in bars.values()]
figure, axes = plots.new_figure(data=f"DS-CNN, width {width:g}", wide=True)
plots.stacked_breakdown(
    axes,
    bars,
    x_label="share of the network [%]",
    title="Pointwise layers hold {:.0f} % of the weights and do {:.0f} % of the work".format(
        *pointwise_percent
    ),
)
told = "; ".join(
    f"{bar}: " + ", ".join(f"{kind} {share.value:.1f} %" for kind, share in kinds.items())
    for bar, kinds in bars.items()
)
plots.show(figure, alt=f"Stacked bars of the share of each kind of layer. {told}.")

# %%
pointwise_share = records.counted(pointwise_percent[1] / 100)
show_prediction("pointwise_share", pointwise_share, guess=guessed_pointwise_share)

# %% [markdown]
# **Measure.** Counting is exact and takes milliseconds, so you can know what a width costs before
# you train it. The picture counts the network at six widths with your function. The dotted line
# marks the `width` of this run; the two grey lines rise with the width and with its square.

# %%
widths = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
counted = [totals(count_layers(networks.ds_cnn(width=w), example)) for w in widths]
series = dict(zip(("parameters", "MACs", "peak memory"), zip(*counted)))
grown = {name: numbers[-1] / numbers[0] for name, numbers in series.items()}
wider = widths[-1] / widths[0]
said = ", ".join(f"{name} {times:.0f} times" for name, times in grown.items())
figure, axes = plots.new_figure(data="DS-CNN", wide=True)
counting_pictures.growth(
    axes, series, widths=widths, marked=width, title=f"{wider:g} times wider: {said}"
)
plots.show(figure, alt=f"Counts against width, both axes log. From 0.25 to 1.5: {said}.")

# %%
single, double = (totals(count_layers(networks.ds_cnn(width=w), example)) for w in (1.0, 2.0))
growth = double[0] / single[0]
show_prediction("growth", records.counted(growth), guess=guessed_growth)

# %% [markdown]
# Weights that join every channel with every channel, those of the pointwise layers, grow with the
# square of the width; all others, and the activations, grow with the width. A sum of both lies
# between the two grey lines, and comes closer to the upper one the wider the network is.
#
# Does it fit? Here are three microcontrollers, with each number as float32 (4 bytes) and as int8 (1
# byte). Only weights and activations are compared; code, stack and the microphone's buffer come on
# top.

# %%
tables.Table(
    [
        {"numbers": name, **row}
        for name, size in {"float32": 4, "int8": 1}.items()
        for row in devices.fit(parameters, peak_elements, bytes_each=size)
    ]
)

# %% [markdown]
# A "yes" is no promise yet. A "no" in RAM holds for our simple model: kernels that write over their
# own input, or take a picture in pieces, need less.
#
# **Reflect.** For each device that says no: is it the flash or the RAM that is short, and which of
# your three counts would you have to shrink? Use your curves: at which width, further to the left,
# would int8 fit the smallest device? Pruning half of all single weights, as in 1.7, would lower
# which of the three counts, and which not?

# %% [markdown]
# ## 4. Train, and say how sure you are
#
# The network is built; now it learns. Each training clip is met in up to eight **disturbed
# copies**: moved by up to 100 ms, played a little faster or slower, mixed with noise of a random
# colour. Nobody speaks twice in the same way, so the network must not rely on it. Open
# `labs/mcu_compression/training.py`: `train` and `_passes` are all of it.

# %% [markdown]
# **Predict.** Top-1 is the share of clips whose highest score is the right class; chance alone
# gives 1 of 12. Which share of the validation clips, from speakers that are never heard in
# training, will be understood after the last pass?

# %%
guessed_top1 = None  # a number from 0 to 1

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import listening, training_pictures

own = networks.ds_cnn(width=width, seed=seed)
settings = training.Settings(epochs=epochs, batch=batch, noise=noise, seed=seed)
watch = features["val"], clips["val"].labels
with widgets.live_meter():
    history = list(training.train(own, clips["train"], watch=watch, settings=settings))

# %% [markdown]
# The curve shows the share of validation clips that are right after each pass. The step size grows
# for a third of the passes, where the curve may jump, and then falls to 0, where it settles. The
# band is Wilson's interval, which takes every clip for a new, independent one. Whether that is fair
# is the question of this section.

# %% tags=["nbval-ignore-output"]
curve = [(e.number, stats.proportion_interval(e.correct, e.n).result()) for e in history]
figure, axes = plots.new_figure(data=f"{dataset}, validation split", wide=True)
plots.learning_curve(
    axes,
    {"validation": curve},
    x_label="passes over the training clips [1]",
    y_label="top-1 [1]",
    title=f"After pass {epochs}, {curve[-1][1].value:.0%} of the validation clips are right",
)
plots.show(figure, alt="Validation accuracy against passes over the training clips, with a band.")

# %% [markdown]
# **By hand.** Two questions remain: *which* words are confused, and how far the accuracy would move
# with *other people*. Take three speakers with 3, 2 and 1 clips, of which 3, 1 and 0 are right:
# together 4 of 6. To see what other people might have given, draw three speakers with replacement,
# say the first, the first again, and the third. That makes 3 + 3 + 0 right of 3 + 3 + 1 clips: 6 of
# 7. Another draw gives another accuracy; how much they scatter is how sure you may be. This is the
# **bootstrap over speakers**.

# %% [markdown]
# ### Exercise 1.4: confusions, and a draw of speakers (6 points, 20 minutes)
#
# Write two functions, about 4 lines each. `labels` and `predictions` are integer arrays (n,).
# `confusion(labels, predictions, classes)` returns a (classes, classes) array:
#
# - Row i, column j counts the clips of class i that were taken for class j.
# - Classes that never occur have a row and a column of zeros.
# - The counts are whole numbers.

# %% [markdown]
# `top1_of_speakers(right, speakers, drawn)` returns one accuracy. `right` (n,) says of each clip
# whether it is right, `speakers` (n,) holds the number of its speaker, `drawn` (k,) numbers of
# speakers, with repeats:
#
# - Each clip of a drawn speaker counts, as often as the speaker is drawn.
# - Who is not drawn does not count.
# - The accuracy is the share of right clips among all clips that count.


# %%
# Exercise 1.4
def confusion(labels, predictions, classes):
    """Return a (classes, classes) array of counts: true classes down, predicted ones across."""
    ### BEGIN SOLUTION
    table = np.zeros((classes, classes), dtype=int)
    np.add.at(table, (labels, predictions), 1)
    return table
    ### END SOLUTION


def top1_of_speakers(right, speakers, drawn):
    """Return the accuracy over the clips of the speakers drawn, a float."""
    ### BEGIN SOLUTION
    counted = [right[speakers == speaker] for speaker in drawn]
    return float(np.concatenate(counted).mean())
    ### END SOLUTION


# %%
show_check("1.4")

# %% [markdown]
# **Which words?** Your table for the validation clips: what was said down the side, what was heard
# along the top. Right answers are bold, on the diagonal; the darker a cell beside it, the more
# often that mistake was made.

# %% tags=["nbval-ignore-output"]
confusion, top1_of_speakers = best("1.4", confusion), best("1.4", top1_of_speakers)
labels, scores = clips["val"].labels.numpy(), training.logits(own, features["val"])
table = np.asarray(confusion(labels, scores.argmax(1).numpy(), len(keywords.CLASSES)))
title = training_pictures.commonest_mistake(table, classes=keywords.CLASSES)
figure, axes = plots.new_figure(data=f"{dataset}, validation split", wide=True)
training_pictures.confusion_table(axes, table, classes=keywords.CLASSES, title=title)
plots.show(figure, alt=f"Table of words said against words heard. {title}.")

# %% [markdown]
# **How sure?** Now 2,000 draws of as many speakers as there are, each giving one accuracy by your
# function. The middle 95 % of them are the interval over speakers. A clip of silence has no
# speaker and counts as one of its own.

# %% tags=["nbval-ignore-output"]
right = scores.argmax(1).numpy() == labels
who, speakers = np.unique(clips["val"].clusters(), return_inverse=True)
draws = [
    top1_of_speakers(right, speakers, rng.integers(len(who), size=len(who))) for _ in range(2000)
]
yours = records.Result(right.mean(), *np.quantile(draws, [0.025, 0.975]), len(who), "measured")
wilson = stats.proportion_interval(int(right.sum()), len(right))
from_speakers = training.speech_top1(right, clips["val"], rng=rng)
show_prediction("top1", from_speakers.result(), guess=guessed_top1)

# %% [markdown]
# The library's interval, against which your guess was held, is drawn in the same way, with a small
# correction for the number of speakers. The picture puts yours, the library's and Wilson's below
# each other, and below them the words alone, without silence.

# %% tags=["nbval-ignore-output"]
silent = labels == keywords.SILENCE
words = stats.cluster_bootstrap(right[~silent], clips["val"].speakers[~silent], rng=rng)
rows = {"speakers, yours": yours, "speakers, library": from_speakers}
rows |= {"clips (Wilson)": wilson, "words only, speakers": words}
ratio = (yours.high - yours.low) / (wilson.high - wilson.low)
figure, axes = plots.new_figure(data=f"{dataset}, validation split", wide=True)
title = f"The interval over speakers is {ratio:.2f} times as wide as that over clips"
training_pictures.spans(axes, rows, x_label="top-1 [1]", title=title)
plots.show(figure, alt=f"Four intervals of the accuracy, one below the other. {title}.")

# %% tags=["nbval-ignore-output"]
per_speaker = np.bincount(speakers[~silent]).max()
print(f"{len(set(clips['val'].speakers[~silent]))} speakers, at most {per_speaker} clips each")
print(f"silence alone: {right[silent].sum()} of {silent.sum()} clips right")

# %% [markdown]
# **Reflect.** Which of the two intervals is wider, and what about the speakers explains it: how
# many there are, how many clips each one has, or how different they are? If every speaker had one
# clip only, what would the ratio in the title be? And what does silence, which is easy, do to the
# accuracy of the whole?

# %% [markdown]
# **Listen.** A number says how often the network is wrong, not how. Here are the ten mistakes that
# it was surest of, each with the sound up to 4 kHz (the network gets no more), a picture of it and
# its coefficients, and the same in words.

# %% tags=["nbval-ignore-output"]
listening.worst_mistakes(clips["val"], scores)

# %% [markdown]
# **Reflect.** Play at least three. Would you have understood the word? Which mistakes are the
# network's, and which are those of the recording or of its label: a word cut off, drowned, or not
# said at all? Each of the latter is a mistake that no better network can avoid, so an accuracy of
# 100 % is not the goal.

# %% [markdown]
# ## 5. Whole numbers instead of real ones
#
# A microcontroller multiplies 8-bit whole numbers several times faster than 32-bit floats, and they
# take a quarter of the flash. So each real number x becomes a **code** q, a whole number, and two
# numbers shared by many codes say what it stands for: `x ~ scale * (q - zero_point)`. The codes are
# signed: with b bits they run from -2^(b-1) to 2^(b-1) - 1, so from -128 to 127 for 8 bits.
#
# From here on the lab works on the bundled network (`bundled`), so that everybody measures the
# same; your own stands beside it.

# %% [markdown]
# **By hand.** Take 2 bits, so the codes -2, -1, 0, 1, and the range -0.5 to 1. Four codes have
# three steps between them: scale = 1.5 / 3 = 0.5. The smallest code stands for -0.5, one step up
# stands for 0: the zero point is -1. Now four numbers:
#
# | x | x / scale + zero point | code | stands for | error |
# |---|---|---|---|---|
# | -0.5 | -2 | -2 | -0.5 | 0 |
# | 0 | -1 | -1 | 0 | 0 |
# | 0.7 | 0.4 | 0 | 0.5 | 0.2 |
# | 1.4 | 1.8 | 1 | 1.0 | 0.4 |
#
# The third errs by less than half a step: that is **rounding**. The last lies outside the range,
# and its code is clamped: that is **saturation**, and it has no bound.

# %% [markdown]
# **Predict.** Weights are quantised symmetrically (zero point 0), with one scale for a whole layer
# or with one for each output channel. Take the layer of the bundled network that gains most from
# the second: how many times smaller does its rounding error get with `bits` bits? 1 would be no
# gain.

# %%
guessed_gain = None  # times

# %% [markdown]
# ### Exercise 1.5: affine quantisation (10 points, 35 minutes)
#
# Write three functions, about 15 lines in all. `affine_parameters(low, high, bits)` returns
# `(scale, zero_point)` for values from `low` to `high`, two floats with `low <= high`:
#
# - The range is widened until it includes 0, and its ends get the end codes. So there are 2^b - 1
#   steps between them.
# - The zero point is the code of 0, a whole number. Where -2^(b-1) - low / scale is none, take the
#   nearest.
# - If only 0 is left, the scale is 1 and the zero point 0.

# %% [markdown]
# `quantize(x, scale, zero_point, bits)` returns the codes of an array `x`, in its shape:
#
# - A code is the nearest whole number to x / scale + zero_point. For ties either will do.
# - What lies outside the codes gets the nearest code there is.
# - Between low and high the error is at most scale / 2. This follows.
#
# `channel_scales(weights, bits)` takes an array (out, ...) and returns (out,):
#
# - Each output channel, along the first axis, has a scale of its own. It maps the channel's largest
#   absolute weight to 2^(b-1) - 1.
# - A channel of zeros has the scale 1.
# - So its step is never coarser than that of one scale for all weights.


# %%
# Exercise 1.5
def affine_parameters(low, high, bits):
    """Return (scale, zero_point)."""
    ### BEGIN SOLUTION
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return 1.0, 0
    scale = (high - low) / (2**bits - 1)
    return scale, round(-(2 ** (bits - 1)) - low / scale)
    ### END SOLUTION


def quantize(x, scale, zero_point, bits):
    """Return codes, whole numbers in the shape of x."""
    ### BEGIN SOLUTION
    codes = np.round(x / scale + zero_point)
    return np.clip(codes, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    ### END SOLUTION


def channel_scales(weights, bits):
    """Return one scale for each output channel, (out,)."""
    ### BEGIN SOLUTION
    largest = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    return np.where(largest > 0, largest / (2 ** (bits - 1) - 1), 1.0)
    ### END SOLUTION


# %%
show_check("1.5")

# %% [markdown]
# **The real thing.** Here are the weights of the first depthwise layer, with the grid that one
# scale for the whole layer gives; batch normalisation is already part of them, which is the subject
# of the next section. In JupyterLab, move the slider: what happens to the weights near 0?

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import affine, checkpoint, comparison, folding, quantization
from labs.mcu_compression import quantization_pictures as few_bits

affine_parameters, quantize = best("1.5", affine_parameters), best("1.5", quantize)
channel_scales = best("1.5", channel_scales)
bundled = checkpoint.load_checkpoint()
folded = folding.fold(bundled)
weights = {name: layer.weight.detach().numpy() for name, layer in folded.layers.items()}
few_bits.GridExplorer(weights["depthwise 1"], "depthwise 1", bits)

# %% [markdown]
# **Measure.** Now your functions round every layer twice, with one scale for the layer and with one
# for each output channel. The error is the root of the mean squared error, as a share of the
# weights' own root mean square: 0.01 means that rounding adds 1 % of noise.

# %% tags=["nbval-ignore-output"]
errors = [
    affine.weight_error(name, w, bits=bits, quantize=quantize, scales=channel_scales)
    for name, w in weights.items()
]
figure, axes = plots.new_figure(data="weights of the bundled network", wide=True)
drawn = few_bits.weight_errors(axes, errors, bits=bits)
plots.show(
    figure,
    alt="Bars for each layer: relative rounding error with one scale a tensor and one a channel.",
)

# %% tags=["nbval-ignore-output"]
most = max(drawn, key=lambda row: row["ratio"])
spread = next(error.widest for error in errors if error.layer == most["layer"])
print(f"{most['layer']}: its largest channel reaches {spread:.1f} times as far as its median one")
show_prediction("gain", records.counted(most["ratio"]), guess=guessed_gain)

# %% [markdown]
# With one scale for all, the channel with the largest weight sets the step, and a channel whose
# weights are all smaller has only a few codes left. How unlike the channels are is what decides the
# gain. A scale for each channel costs 4 bytes a channel, and no time: it disappears into the step
# that turns sums back into 8 bits.

# %% [markdown]
# **Activations** cannot be that generous: in a pointwise layer a sum runs over all input channels,
# so they must share one scale. And their range is not known beforehand: it is taken from some
# training clips, which is called calibration. After ReLU a few values are far larger than the rest.
# Should the range hold them? A wide range rounds coarsely, a narrow one saturates.

# %% tags=["nbval-ignore-output"]
calibration = features["train"][rng.permutation(len(features["train"]))[:100]]
seen = {name: a.numpy() for name, a in folded.activations(calibration).items()}
reach = {name: seen[name].max() / np.percentile(seen[name], 99.9) for name in weights}
name = max(reach, key=reach.get)
values = seen[name].ravel()[::13]  # every 13th of them will do
shares = (100, 99.99, 99.9, 99.5, 99, 98, 95)
print(f"{name}: the largest value is {reach[name]:.1f} times the 99.9 % percentile")
range_errors = {
    b: [
        affine.range_error(values, p, bits=b, grid=affine_parameters, quantize=quantize)
        for p in shares
    ]
    for b in sorted({bits, 8})
}

# %% tags=["nbval-ignore-output"]
figure, axes = plots.new_figure(data=f"{dataset}, 100 training clips", wide=True)
least = few_bits.range_errors(axes, range_errors, name=name)
plots.show(
    figure,
    alt=f"Rounding, saturation and total error of {name} against the share of values in the range. "
    f"Least total error: {'; '.join(least)}.",
)

# %% [markdown]
# From left to right the range gets narrower: rounding errs less, saturation more, and the title
# says where both together are least. Saturation concerns few values and errs by much, rounding
# concerns all and errs by little, so they are reported apart.
#
# **Reflect.** Compare the best share for `bits` bits with that for 8. Why does the better choice of
# range depend on the number of bits? And why may the range with the least error still not be the
# one that costs the least accuracy? Think of which clips cause the largest activations.

# %% [markdown]
# ## 6. The whole network in few bits
#
# Now everything becomes whole numbers, as TensorFlow Lite for microcontrollers has it: weights
# symmetric with a scale for each output channel, activations in 8 bits with one scale and zero
# point each, biases in 32 bits with the step `input scale * weight scale`, so that they add
# straight onto the sums. Two things stand in the way. Batch normalisation works in real numbers, so
# it must go before we round. And rounding is flat, its gradient is 0: a rounded network cannot be
# trained on. You solve both.

# %% [markdown]
# **By hand.** After training, batch normalisation is a fixed line: with mean 1, variance 0.75, eps
# 0.25, gamma 2 and beta 10 it maps y to (y - 1) / sqrt(0.75 + 0.25) * 2 + 10. If y = w x + 3, the
# whole is (2 w) x + (3 - 1) * 2 + 10: a convolution with the weight 2 w and the bias 14.

# %% [markdown]
# And a gradient: with scale 0.25, zero point 1 and 3 bits, codes run from -4 to 3 and stand for
# -1.25 to 0.5. At x = 0.3 the value is 0.25 and the slope of the staircase is 0. The
# **straight-through** trick pretends that it is 1, as on average the staircase rises like x. Where
# x is clamped, say at 0.9, it stays 0.

# %% [markdown]
# **Predict.** The bundled network is rounded to 8, to `bits` and to 2 bits a weight, without any
# training afterwards. How much does each lose, as top-1 of float32 minus top-1 of the version?

# %%
guessed_loss_8 = None  # accuracy lost with 8 bits
guessed_loss_bits = None  # with `bits` bits
guessed_loss_2 = None  # with 2 bits

# %% [markdown]
# ### Exercise 1.6: the whole network in few bits (10 points, 35 minutes)
#
# Write two functions on tensors of torch, about 8 lines in all.
#
# `fold_batch_norm(weight, bias, norm)` takes the weight (out, in / groups, height, width) and bias
# (out,) of a convolution, and the normalisation after it: a dict with the tensors `gamma`, `beta`,
# `mean`, `variance`, (out,) each, and the number `eps`. It returns a new `(weight, bias)`:
#
# - The folded convolution gives what convolution and normalisation gave. That holds for any number
#   of groups.
# - Each output channel is scaled by gamma / sqrt(variance + eps).
# - The bias takes the same way: (bias - mean) * factor + beta.

# %% [markdown]
# `fake_quantize(x, scale, zero_point, bits)` rounds a tensor to the grid and keeps it a float:
#
# - The value is scale * (code - zero_point), with the codes of exercise 1.5.
# - The gradient passes unchanged where x lies within the range of the codes. Less than half a step
#   beyond the values of the end codes either will do.
# - The gradient is 0 where the code was clamped.
#
# A hint on torch: `y.detach()` has the value of y and no gradient. What are the value and the
# gradient of `x + (y - x).detach()`?


# %%
# Exercise 1.6
def fold_batch_norm(weight, bias, norm):
    """Return (weight, bias) of a convolution that does the normalisation as well."""
    ### BEGIN SOLUTION
    factor = norm["gamma"] / torch.sqrt(norm["variance"] + norm["eps"])
    return weight * factor[:, None, None, None], (bias - norm["mean"]) * factor + norm["beta"]
    ### END SOLUTION


def fake_quantize(x, scale, zero_point, bits):
    """Return x rounded to the grid, with a gradient that passes straight through."""
    ### BEGIN SOLUTION
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    codes = torch.round(x / scale) + zero_point
    inside = (codes >= low) & (codes <= high)
    value = scale * (codes.clamp(low, high) - zero_point)
    return value.detach() + (x - x.detach()) * inside
    ### END SOLUTION


# %%
show_check("1.6")

# %% [markdown]
# **The real thing.** Your first function folds the nine normalisations of the bundled network. Its
# scores must stay what they were, up to float32 sums taken in another order. Your second one meets
# PyTorch's own operator on the activations that you just saw, value and gradient.

# %% tags=["nbval-ignore-output"]
fold_batch_norm = best("1.6", fold_batch_norm)
fake_quantize = best("1.6", fake_quantize)
folded = folding.fold(bundled, fold_batch_norm)
scores = [training.logits(network, features["val"]) for network in (bundled, folded)]
off = (scores[0] - scores[1]).abs().max() / scores[0].abs().max()
print(f"folded: the scores differ by at most {float(off):.1e} of the largest score")

# %% tags=["nbval-ignore-output"]
x = torch.from_numpy(seen["pointwise 1"]).requires_grad_()
grid = affine.Grid.spanning(0.0, float(x.detach().max()) / 2, bits=bits)  # what is above saturates
mine = fake_quantize(x, grid.scale, grid.zero_point, bits)
theirs = quantization.torch_fake_quantize(x, grid)
gradients = [torch.autograd.grad(y.sum(), x)[0] for y in (mine, theirs)]
same_value = ((mine - theirs).abs() < grid.scale / 100).double().mean()
same_gradient = (gradients[0] == gradients[1]).double().mean()
print(f"same value at {float(same_value):.3%}, same gradient at {float(same_gradient):.3%}")

# %% [markdown]
# `quantization.QuantizedNetwork` does the same to every layer, with PyTorch's operators because
# they are faster. It computes in float32 what a chip computes in whole numbers; a test of this lab
# runs both and finds no layer's codes more than 1 apart. So accuracy and size are those of the
# small network, and time is not.
#
# **Measure.** 100 training clips give the ranges of the activations (calibration), then both
# networks are rounded, and judged on the validation clips. Speakers are resampled, and losses are
# paired.

# %% tags=["nbval-ignore-output"]
starts = {"bundled": bundled, "your own": own}
small = {
    who: {
        f"{b} bit": quantization.quantize_network(
            network, calibration, weight_bits=b, fold_batch_norm=fold_batch_norm
        )
        for b in sorted({8, 4, 2, bits}, reverse=True)
    }
    for who, network in starts.items()
}

# %% tags=["nbval-ignore-output"]
judged = {
    who: comparison.judge(
        small[who], starts[who], clips=clips["val"], features=features["val"], rng=rng
    )
    for who in starts
}
sizes = {who: {name: small[who][name].size_bytes for name in small[who]} for who in starts}
for who in starts:
    sizes[who]["float32"] = memory.model_bytes(small[who]["8 bit"].folded)
comparison.table(judged, sizes)

# %% [markdown]
# Look at the last column first: where an interval includes 0, these clips cannot tell the version
# from float32. Beside your guesses, for the bundled network:

# %% tags=["nbval-ignore-output"]
guesses = {8: guessed_loss_8, bits: guessed_loss_bits, 2: guessed_loss_2}
for b, guess in guesses.items():
    lost = judged["bundled"][f"{b} bit"].loss.result()
    display(show_prediction(f"loss with {b} bits", lost, guess=guess))

# %% [markdown]
# Each loss is against float32. Is each version also worse than the next larger one? Comparing their
# intervals by eye would be blunt: the same clips were heard, so the step from one version to the
# next is paired as well.

# %% tags=["nbval-ignore-output"]
comparison.steps(judged["bundled"], clips=clips["val"], rng=rng)

# %% [markdown]
# **How many clips does calibration need,** and should the range hold every value? For 8 bits, the
# share of validation clips that get the same answer as from float32, with ranges from few or many
# clips, by minimum and maximum or by the middle 99.9 % of the values.

# %% tags=["nbval-ignore-output"]
speakers, answers = clips["val"].clusters(), scores[0].argmax(1)
rows = []
for n, percent in ((1, 100), (10, 100), (100, 100), (100, 99.9)):
    rounded = quantization.quantize_network(folded, calibration[:n], weight_bits=8, percent=percent)
    alike = (training.logits(rounded, features["val"]).argmax(1) == answers).numpy()
    share = stats.cluster_bootstrap(alike, speakers, rng=rng, resamples=1000).result()
    rows.append({"clips": n, "range": f"{percent} %", "same answer": share.describe("share")})
tables.Table(rows)

# %% [markdown]
# One clip shows only what one voice does to the network, and louder activations saturate. Read from
# the table from which number on more clips change nothing that these clips could tell.
#
# **Train on with the rounding in place** (quantisation-aware training, QAT). Steps round the
# weights, compute loss and gradient, and change the weights behind the codes, straight through.
# The network learns to answer as the float32 one does, without labels: it learns to cope with
# its rounding, and no word that the float32 network does not know. Each channel gets the scale that
# errs least; its largest weights may saturate. The clips are a disturbed copy as in 1.4: who
# trains on with clean clips alone unlearns noise.

# %% tags=["nbval-ignore-output"]
how = training.Settings(
    epochs=min(3, max(1, epochs // 4)), batch=max(1, batch // 2), learning_rate=3e-3, seed=seed
)
disturbed = keywords.augmented(clips["train"], noise=noise, seed=seed)
lesson = disturbed[rng.permutation(len(disturbed))[: max(400, 200 * epochs)]]
tuned = {
    f"{b} bit": quantization.retrain(
        small["bundled"][f"{b} bit"], bundled, features=lesson, settings=how
    )
    for b in sorted({bits, 2}, reverse=True)
}
trained_on = comparison.judge(tuned, bundled, clips=clips["val"], features=features["val"], rng=rng)
comparison.table({"trained on": trained_on}, {"trained on": sizes["bundled"]})

# %% [markdown]
# The same networks as points: small is left, good is up. One line joins the versions that were only
# rounded, another those that were trained on, and your own network stands beside the bundled one.

# %% tags=["nbval-ignore-output"]
series = {
    "bundled, rounded": judged["bundled"],
    "bundled, trained on": {name: trained_on[name] for name in tuned},
    "your own, rounded": judged["your own"],
}
bytes_of = dict(zip(series, (sizes["bundled"], sizes["bundled"], sizes["your own"])))
speakers = f"intervals over {trained_on['float32'].top1.n} speakers"
figure, axes = plots.new_figure(data=f"{dataset}, validation split, {speakers}", wide=True)
proved = few_bits.recovery(judged["bundled"], trained_on)
drawn = few_bits.accuracy_by_size(axes, series, sizes=bytes_of, title=proved)
plots.show(
    figure,
    alt="Accuracy with intervals over speakers against bytes shipped, for float32 and few bits, "
    f"rounded after training and trained on. {proved}.",
)

# %% [markdown]
# Sizes count all that is shipped: packed codes, a float32 scale for each output channel, int32
# biases, and the grids of the activations. That is why 2 bits do not take a quarter of 8 bits. What
# did training on do? Compare the network of 2 bits before and after, layer by layer.

# %% tags=["nbval-ignore-output"]
tables.Table(quantization.changes(small["bundled"]["2 bit"], tuned["2 bit"]))

# %% [markdown]
# **Reflect.** With 2 bits each weight of a channel is -s, 0 or s, and rounding alone takes the
# channel's largest for s. Which share of each layer is 0 then, and what does that leave of a
# depthwise kernel of 9 weights? After training on every weight still has three values: read from
# the table what did change, and say how that could bring accuracy back. Would 20 clips have shown
# you the difference between 4 bits and float32?

# %% [markdown]
# ## 7. Pruning
#
# Fewer bits made each weight smaller. Now some weights go altogether. There are two ways, and they
# differ in who gains:
#
# - **fine-grained**: single weights become 0, wherever they stand. Storage can leave them out;
#   a processor that multiplies whole matrices cannot.
# - **by channel**: whole channels go. What is left is an ordinary, smaller network, which any
#   processor runs with less work.

# %%
from labs.mcu_compression import channels, lasso, pruning, pruning_pictures, stopwatch

# %% [markdown]
# **By hand.** One layer, three channels of two weights: (3, 4), (-6, 0) and (0.5, -1).
#
# - Pruning half of the weights keeps the three largest magnitudes: -6, 4 and 3.
# - The L2 norms are 5, 6 and 1.12, so the two strongest channels are 0 and 1.
# - Shrinking each channel by 2: (3, 4) has norm 5 and gets norm 3, so it is multiplied by 3/5,
#   which gives (1.8, 2.4). (-6, 0) becomes (-4, 0). The third has a norm below 2 and becomes
#   (0, 0).
#
# The third operation is the **proximal step** of the group lasso: it makes small groups vanish
# exactly, which subtracting a gradient never does.

# %% [markdown]
# ### Exercise 1.7: what goes, and what stays (10 points, 35 minutes)
#
# Write three functions in NumPy, 2 to 5 lines each; `weights` is an array with at least one
# dimension, and for the last two the first dimension counts the channels.
#
# `magnitude_mask(weights, sparsity)`, with a sparsity from 0 to 1:
#
# - The mask has the shape of the weights; True means that the weight stays.
# - Exactly `round((1 - sparsity) * n)` of the n weights stay, also where magnitudes are equal.
# - No weight that goes has a larger magnitude than one that stays; signs do not count.

# %% [markdown]
# `strongest_channels(weights, keep)`, with 1 to all channels to keep:
#
# - The strength of channel c is the L2 norm of all of `weights[c]`.
# - The positions of the `keep` strongest come back in rising order.
#
# `shrink_groups(weights, threshold)`, with a threshold >= 0, returns an array like `weights`:
#
# - A channel with norm r above the threshold shrinks to norm r - threshold and keeps its direction.
# - A channel whose norm is at most the threshold becomes exactly 0.
# - A channel that is 0 already stays 0, and a threshold of 0 changes nothing.


# %%
# Exercise 1.7
def magnitude_mask(weights, sparsity):
    """Return a bool array like weights: True where a weight stays."""
    ### BEGIN SOLUTION
    order = np.argsort(np.abs(weights), axis=None)
    keep = round((1 - sparsity) * order.size)
    mask = np.zeros(order.size, dtype=bool)
    mask[order[order.size - keep :]] = True
    return mask.reshape(weights.shape)
    ### END SOLUTION


def strongest_channels(weights, keep):
    """Return the positions of the keep strongest channels, rising."""
    ### BEGIN SOLUTION
    norms = np.linalg.norm(weights.reshape(len(weights), -1), axis=1)
    return np.sort(np.argsort(-norms)[:keep])
    ### END SOLUTION


def shrink_groups(weights, threshold):
    """Return the weights with each channel's norm lower by threshold, or 0."""
    ### BEGIN SOLUTION
    rows = weights.reshape(len(weights), -1)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    factors = np.maximum(0, 1 - threshold / np.maximum(norms, 1e-12))
    return (rows * factors).reshape(weights.shape)
    ### END SOLUTION


# %%
show_check("1.7")

# %% [markdown]
# **The real thing: single weights.** Every layer of the bundled network loses the same share of
# its weights, `sparsity`, without any training.
#
# **Predict.** How much accuracy does that cost on the validation clips?

# %%
guessed_sparse_loss = None  # accuracy lost, from 0 to 1

# %% tags=["nbval-ignore-output"]
magnitude_mask = best("1.7", magnitude_mask)
masks = pruning.layer_masks(bundled, magnitude_mask, sparsity=sparsity)
sparse = pruning.masked(bundled, masks)
watched = features["val"], clips["val"].labels
hits_bundled, hits_sparse = (training.is_right(n, watched).numpy() for n in (bundled, sparse))
loss = pruning.accuracy_lost(hits_bundled, hits_sparse, clips=clips["val"], seed=seed)
show_prediction("top1_loss", loss, guess=guessed_sparse_loss)

# %% [markdown]
# All comparisons here are paired: both networks hear the same clips, and whole speakers are drawn
# for the interval. Not all layers suffer alike. The **sensitivity scan** prunes one layer at a
# time, leaves the others whole, and trains nothing.

# %% tags=["nbval-ignore-output"]
levels = (0.9, 0.75, 0.5)[: 1 + epochs // 4]  # a trial run tries the first alone
found = pruning.scan(bundled, magnitude_mask, examples=watched, levels=levels)
judge = {"clips": clips["val"], "seed": seed, "resamples": 1000}
losses = {
    layer: [pruning.accuracy_lost(hits_bundled, hits, **judge) for hits in at_levels]
    for layer, at_levels in found.items()
}
hurt = sum(results[0].low > 0 for results in losses.values())
title = f"Pruned alone by {levels[0]:.0%}, {hurt} of {len(losses)} layers cost accuracy"
figure, axes = plots.new_figure(data=f"{dataset}, validation split", wide=True)
pruning_pictures.layer_losses(axes, losses, levels=levels, title=title)
plots.show(figure, alt="Accuracy lost when each layer alone is pruned by up to 90 percent.")

# %% [markdown]
# In a block, layer 0 filters each channel by itself with 9 weights, layer 3 mixes all channels.
# With so many intervals in one figure, one or two may exclude 0 by chance.
#
# **Reflect.** Which layers can you prune hard, which not? Compare how many weights each has in the
# table of 1.3: what would you save by sparing the sensitive ones? A scan sees one layer at a time:
# why may all layers together lose more than the sum?

# %% [markdown]
# **Storage.** A zero saves nothing by being a zero: somebody must know where the others stand. A
# *bitmap* spends one bit on every place. A *list* spends 4 bits on each weight that stays, the
# distance to the one before. Both count here with 8-bit codes, one scale a layer and
# float32 biases.

# %% tags=["nbval-ignore-output"]
stored = pruning.size_curves(bundled, magnitude_mask, shares=np.linspace(0, 0.9, 19))
bitmap, listed = (pruning.pays_from(stored, form) for form in ("bitmap", "list"))
title = f"A bitmap pays from {bitmap:.0%} of zeros on, a list from {listed:.0%}"
labels = {"x_label": "weights taken away [1]", "y_label": "size [B]"}
figure, axes = plots.new_figure(wide=True)
plots.learning_curve(axes, stored, title=title, **labels)
plots.show(figure, alt="Bytes against sparsity: flat if dense, falling for bitmap and list.")

# %% [markdown]
# Counted in steps of 5 %. For n weights of 8 bits a bitmap costs n/8 bytes and saves one byte a
# zero, so it pays from 1/8 of zeros on.
#
# **Reflect.** With 4-bit weights, from which share of zeros on does a bitmap pay? And where do
# the curves of bitmap and list cross, in bits per weight that stays?

# %% [markdown]
# **Fine-tuning.** A few more passes may repair it. Pruned weights have gradients too, so the mask
# is applied again after every step. A **control** keeps the comparison honest: the dense network
# gets the same extra passes, because training on these clips may help any network.
# Each one is tuned on the disturbed training clips of 1.6, for one to three passes.

# %% tags=["nbval-ignore-output"]
every = max(1, 12 // epochs)  # a trial run with few epochs learns from fewer clips
lessons = disturbed[::every], clips["train"].labels[::every]
passes = min(3, max(1, epochs // 6))
settings = training.Settings(epochs=passes, batch=batch, learning_rate=6e-3, seed=seed)


def fine_tuned(network, after_step=None):
    training.tune(network, lessons, settings=settings, after_step=after_step)
    return network


# %% [markdown]
# `fine_tuned` changes the network that it is given, so each call below gets a copy. The last line
# shows that the mask held.

# %% tags=["nbval-ignore-output"]
control = fine_tuned(pruning.masked(bundled, {}))
sparse_tuned = fine_tuned(pruning.masked(bundled, masks), pruning.keep_at_zero(masks))
print(f"weights that are not 0: {pruning.nonzero_share(sparse_tuned):.1%}")

# %% [markdown]
# **Channels.** The network is a chain: stem, then four blocks, each a depthwise and a pointwise
# layer. It has five sets of channels. When a channel goes, three things must go with it: the
# filter that makes it, the depthwise filter that works on it alone (each with its batch
# normalisation), and the column by which the next pointwise layer reads it. Open
# `labs/mcu_compression/channels.py`: `slim` does just that.
#
# **Predict.** If only 70 % of the channels stay, which share of the MACs is left?

# %%
guessed_macs_share = None  # MACs left with 70 % of the channels, from 0 to 1

# %% tags=["nbval-ignore-output"]
strongest_channels = best("1.7", strongest_channels)
one = features["val"][:1]
kept = channels.choose(bundled, strongest_channels, share=0.7)
fewer, quiet = channels.slim(bundled, kept), channels.hush(bundled, kept)
apart = training.logits(fewer, features["val"]) - training.logits(quiet, features["val"])
whole, part = (counting.count(network, one) for network in (bundled, fewer))
print(f"{whole.params:,} parameters before, {part.params:,} after")
print(f"no score differs by more than {apart.abs().max():.1g} from that with unread channels")
macs_share = part.macs / whole.macs
show_prediction("macs_share", records.counted(macs_share), guess=guessed_macs_share)

# %% [markdown]
# The smaller network computes what the large one computes when nobody reads the channels that
# went: removing was exact, only *choosing* costs accuracy.
#
# **Reflect.** Why do 30 % fewer channels leave about half of the MACs, and not 70 %? Which layers
# of your table in 1.3 shrink with the share of channels, which with its square?

# %% [markdown]
# **Before you choose:** some channels may be read by nobody already. While a network trains, weight
# decay pulls every weight towards 0, and one that training does not defend arrives there. Removing
# such channels is free, so every later saving should be counted from what is left. Here a channel
# is called dead if its reading weights are below a hundredth of the strongest channel's.

# %% tags=["nbval-ignore-output"]
reading = [weights.detach().norm(dim=1).numpy() for weights in channels.readers(bundled)]
living = [np.flatnonzero(norms >= 0.01 * norms.max()) for norms in reading]
trimmed = channels.slim(bundled, living)
alike = training.logits(trimmed, features["val"]).argmax(1) == scores[0].argmax(1)
left_over = counting.count(trimmed, one)
print(f"alive: {[len(at) for at in living]} of {channels.channel_counts(bundled)} channels")
print(f"without the others: {left_over.params:,} parameters, {left_over.macs:,} MACs")
print(f"the same answer on {alike.double().mean():.1%} of the clips, without any training")

# %% [markdown]
# **Which norm tells that a channel is weak?** Pruning by norm assumes that small weights matter
# little. Batch normalisation breaks that: it divides by the scale of what comes before it. Here
# every second channel of the second block is made ten times weaker at one of three places, as a
# training step would see it.
#
# Think before you run it: at which places do the scores change?

# %% tags=["nbval-ignore-output"]
before = lasso.training_scores(bundled, features["val"])
for place in ("maker", "normaliser", "reader"):
    changed = lasso.weakened(bundled, place, factor=0.1)
    after = lasso.training_scores(changed, features["val"])
    same = (after.argmax(1) == before.argmax(1)).float().mean()
    change = (after - before).abs().mean() / before.abs().mean()
    print(f"{place}: scores change by {change:.2%} of their size, {same:.1%} of answers stay")

# %% [markdown]
# Weights that *make* a channel are normalised right after. Even the *scale and shift* of that
# normalisation are washed out, since the depthwise filter of the channel is followed by a
# normalisation of its own (what change is left comes from the small eps in it). What remains is how
# the next layer *reads* the channel. So that is the norm that `channels.choose` ranks by. And it
# gives an exact meaning to **dead**: a channel that nobody reads can be removed without any change.

# %% [markdown]
# **Channels that vanish by themselves.** The group lasso presses on the reading weights while the
# network trains: after every step, your `shrink_groups` makes each channel's norm a little smaller,
# and training defends those it needs. Then each layer is scaled back to its norm (batch
# normalisation makes that free), and the pressure ends once a share of `sparsity` is gone. Which
# layers lose most is decided by the training, not by you.

# %% tags=["nbval-ignore-output"]
shrink_groups = best("1.7", shrink_groups)
left = round((1 - sparsity) * sum(channels.channel_counts(bundled)))
steps = passes * -(-len(lessons[1]) // batch)
press = lasso.GroupLasso(shrink_groups, pace=min(0.3, 8 / steps), left=left)
pressed = fine_tuned(pruning.masked(bundled, {}), press)
vanished = channels.slim(pressed, lasso.alive(pressed))

# %% tags=["nbval-ignore-output"]
norms = np.array([sets[3] for sets in press.norms])  # of the set that the third block makes
gone, dead = int((norms[-1] == 0).sum()), len(reading[3]) - len(living[3])
title = f"{gone} channels of the third block are gone at the end, {dead} were dead at the start"
figure, axes = plots.new_figure(data=f"{dataset}, training split", wide=True)
pruning_pictures.vanishing(axes, norms, title=title)
plots.show(figure, alt="Norms of channels over the steps: those that vanish are dashed.")

# %% [markdown]
# Both ways aim at the same number of channels, but may spread them differently. The one-shot
# choice takes the same share of every set and is then tuned; the group lasso chose while it
# trained.

# %% tags=["nbval-ignore-output"]
kept = channels.choose(bundled, strongest_channels, share=1 - sparsity)
slim_tuned = fine_tuned(channels.slim(bundled, kept))
for name, network in (("one shot", slim_tuned), ("group lasso", vanished)):
    counts = counting.count(network, one)
    print(f"{name}: channels {channels.channel_counts(network)}, {counts.macs:,} MACs")

# %% [markdown]
# Now the accuracies on the same validation clips: the bundled network before tuning, and after it
# against the tuned control. Your own network comes last: it is pruned and tuned in the same way,
# and compared with itself as 1.4 left it.


# %% tags=["nbval-ignore-output"]
def compare(reference, networks):
    before = training.is_right(reference, watched).numpy()
    for name, network in networks.items():
        hits = training.is_right(network, watched).numpy()
        top1 = training.speech_top1(hits, clips["val"], rng=rng).result()
        loss = pruning.accuracy_lost(before, hits, clips=clips["val"], seed=seed)
        print(f"{name}: {top1.describe('top1')}, loses {loss.describe('top1')}")


slim_before = channels.slim(bundled, kept)
compare(bundled, {"bundled": bundled, "fine-grained": sparse, "by channel": slim_before})
print("after tuning, against the control:")
tuned_ones = {"fine-grained": sparse_tuned, "by channel": slim_tuned, "group lasso": vanished}
compare(control, {"control": control, **tuned_ones})

# %% tags=["nbval-ignore-output"]
own_masks = pruning.layer_masks(own, magnitude_mask, sparsity=sparsity)
own_sparse = fine_tuned(pruning.masked(own, own_masks), pruning.keep_at_zero(own_masks))
own_kept = channels.choose(own, strongest_channels, share=1 - sparsity)
own_slim = fine_tuned(channels.slim(own, own_kept))
compare(own, {"own": own, "fine-grained, tuned": own_sparse, "by channel, tuned": own_slim})

# %% [markdown]
# **Reflect.** At the same `sparsity`, which way loses less, before and after tuning? Mind that half
# of the channels are more than half of the weights. Do the intervals of the losses exclude 0? A
# loss below 0 for your own network would not mean that pruning helps: what did it get that the
# network before did not? Which control is missing there?

# %% [markdown]
# **Work and time.** MACs are counted; a user feels milliseconds. All versions are timed in turn,
# round by round, and only ratios within a round are kept, so that a busy machine slows down all of
# them alike. Batch 1 is what a device hears, batch 64 what a server would run.
#
# **Predict.** With half of the channels, which share of the latency is left at batch 1?

# %%
guessed_latency_ratio = None  # half of the channels at batch 1, as a share of the dense network

# %% tags=["nbval-ignore-output"]
half, zeros = "50% of channels", f"{sparsity:.0%} zeros"
timed = {"dense": bundled, zeros: sparse}
for share in (0.75, 0.5, 0.25):
    chosen = channels.choose(bundled, strongest_channels, share=share)
    timed[f"{share:.0%} of channels"] = channels.slim(bundled, chosen)
work = {name: counting.count(network, one).macs / whole.macs for name, network in timed.items()}
effort = {"rounds": 6 + min(epochs // 6, 6), "round_s": min(0.03, 0.004 * epochs)}
ratios = {
    f"batch {size}": stopwatch.ratios(timed, features["val"][:size], to="dense", **effort)
    for size in (1, 64)
}
show_prediction("latency_ratio", ratios["batch 1"][half], guess=guessed_latency_ratio)

# %% [markdown]
# The figure sets both shares side by side: how much work is left, and how much time.

# %% tags=["nbval-ignore-output"]
shares = [f"{taken[half].value:.0%} of the time at {batches}" for batches, taken in ratios.items()]
title = f"Half of the channels: {work[half]:.0%} of the MACs, {', '.join(shares)}"
figure, axes = plots.new_figure(wide=True)
pruning_pictures.work_and_time(axes, work, time=ratios, title=title)
plots.show(figure, alt="Latency ratio against MAC ratio of pruned versions at batch 1 and 64.")

# %% [markdown]
# Above the dashed line a network saves less time than work. Bars are intervals over the rounds on
# this machine; another run moves them, and another machine even more. The MACs stay.
#
# **Reflect.** Why do zeros in place save no time here? What does a layer cost however few channels
# it has? Why is that share smaller at batch 64? On a microcontroller no operating system or PyTorch
# stands around a layer: which of the two series will its latency resemble more?

# %% [markdown]
# ## 8. Detect, and not too often
#
# A device is never handed a clip. It hears sound without end, looks at the last second again and
# again, and must decide: was that a keyword? Say that yours is a lamp which listens for *on* and
# *off*. All other speech in the room should leave it in peace, other keywords included. So two
# things can go wrong, and they pull in opposite directions: a command is **missed**, or the lamp
# switches although nobody asked, a **false alarm**.
#
# **Predict.** You listen to the lamp and hear no false alarm at all. For how many hours must this
# go on until you may claim, at 95 %, that it has fewer than one an hour?

# %%
guessed_quiet_hours = None  # hours without any false alarm

# %% [markdown]
# **By hand.** *Smoothing.* One window scores 0.9 and its neighbours 0. Averaged over the last 3
# windows the score is 0.3 for three windows: a lone spike no longer reaches a threshold of 0.5, a
# word that stays in view for five windows does. The average may only look back: a device has not
# heard the future.
#
# *Error rates.* Keywords score 0.9, 0.5 and 0.3, other words 0.5, 0.2 and 0.1. At a threshold of
# 0.5 one keyword of three is rejected and one other word of three accepted.

# %% [markdown]
# *A bound.* False alarms come at random. At a rate of r per hour, h hours hold none with the
# probability exp(-r h). If r h were 3.0, that would be 0.05: no alarm would be a rare stroke of
# luck. So after one quiet hour, rates above 3.0 per hour are refuted at 95 %. This is the *rule of
# three*. It is not "0 per hour"; nobody can measure that.
#
# With one alarm heard, the probability of one or none is exp(-m) (1 + m) for m = r h. It falls to
# 0.05 at m = 4.74: after one alarm in one hour, you may claim at most 4.74 per hour.

# %% [markdown]
# ### Exercise 1.8: smooth, count, and bound (8 points, 30 minutes)
#
# Write three functions, about 3 lines each. First `smooth(scores, window)`: an array of the shape
# of `scores`, (windows, classes), averaged over time.
#
# - Row i of the result is the mean of rows i - window + 1 to i.
# - The first rows have fewer rows behind them and average over those.
#
# Then `error_rates(scores, is_keyword, threshold)`, which returns `(false_rejects,
# false_accepts)`. `scores` is (clips,), `is_keyword` (clips,) and true or false.
#
# - A clip is accepted if its score is at least the threshold.
# - The false reject rate is the share of the keywords that are not accepted.
# - The false accept rate is the share of the others that are accepted.
# - A share of no clips is 0.

# %% [markdown]
# Last, `false_alarm_bound(count, hours, level)`, a rate per hour, to 4 digits.
#
# - The bound is the rate at which so few false alarms have the probability 1 - level. So few means
#   `count` or fewer in `hours`.
# - With no false alarm at all the bound is -ln(1 - level) / hours.
#
# The number of alarms is Poisson: k of them have the probability exp(-m) m^k / k! where m is rate
# times hours. Add these up for k = 0 to `count`; the sum falls as m grows, so halving an interval
# finds the m you need. Or know your chi-square: half its `level` quantile with 2 (count + 1)
# degrees of freedom is that m (`scipy.stats.chi2.ppf`).


# %%
# Exercise 1.8
def smooth(scores, window):
    """Return the causal moving average of scores, with the shape of scores."""
    ### BEGIN SOLUTION
    rows = [scores[max(0, i - window + 1) : i + 1].mean(0) for i in range(len(scores))]
    return np.stack(rows)
    ### END SOLUTION


def error_rates(scores, is_keyword, threshold):
    """Return (false_rejects, false_accepts), two shares."""
    ### BEGIN SOLUTION
    keywords, others = scores[is_keyword], scores[~is_keyword]
    rejected, accepted = np.sum(keywords < threshold), np.sum(others >= threshold)
    return rejected / max(1, len(keywords)), accepted / max(1, len(others))
    ### END SOLUTION


def false_alarm_bound(count, hours, level=0.95):
    """Return the rate per hour that so few false alarms refute at this level."""
    ### BEGIN SOLUTION
    from scipy.stats import chi2

    return chi2.ppf(level, 2 * (count + 1)) / 2 / hours
    ### END SOLUTION


# %%
show_check("1.8")

# %% [markdown]
# **The real thing.** From here on the three functions do their work. Your guess first: the hours
# without any alarm that support a claim of fewer than one an hour are the bound for 0 alarms in
# one hour, since twice the hours halve the bound.

# %%
smooth = best("1.8", smooth)
error_rates = best("1.8", error_rates)
false_alarm_bound = best("1.8", false_alarm_bound)
quiet_hours = records.counted(float(false_alarm_bound(0, 1.0, 0.95)))
show_prediction("quiet_hours", quiet_hours, guess=guessed_quiet_hours)

# %% [markdown]
# ### Clips first
#
# A clip's score is the higher of the two probabilities that the network gives *on* and *off*. A
# low threshold accepts everything, a high one rejects everything. Between them you trade one error
# for the other, and nothing but a better network gives you less of both.

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import detection, detection_pictures, explorers, streams

words = ("on", "off")
listened = [keywords.CLASSES.index(word) for word in words]
clip_scores = detection.posteriors(bundled, features["val"])[:, listened].max(1)
is_keyword = np.isin(clips["val"].labels.numpy(), listened)
totals = int(is_keyword.sum()), int((~is_keyword).sum())
clip_rates = []
for at in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
    rates = error_rates(clip_scores, is_keyword, at)
    shares = [stats.proportion_interval(round(r * n), n).result() for r, n in zip(rates, totals)]
    clip_rates.append((at, *shares))

# %% tags=["nbval-ignore-output"]
at, rejected, accepted = min(clip_rates, key=lambda each: abs(each[1].value - each[2].value))
figure, axes = plots.new_figure(data=f"{dataset}, validation split", wide=True)
drawn = detection_pictures.error_trade_off(
    axes,
    clip_rates,
    title=f"At {at:g}, {rejected.value:.1%} of keywords are rejected and "
    f"{accepted.value:.1%} of others accepted",
)
plots.show(figure, alt="The fewer other clips are accepted, the more keywords are rejected.")

# %% [markdown]
# Each point is a threshold. The bars are Wilson's intervals over clips. Where the curve meets the
# dotted line, both errors are equally frequent; papers quote it as the *equal error rate*. Is that
# where a lamp should work? An hour in a room holds 36,000 windows: even one false accept in a
# thousand would be 36 an hour, if windows were clips. They are not: we need a stream.

# %% [markdown]
# ### A stream
#
# `streams.make_stream` composes one from clips, each used once: *on* and *off* four times a minute,
# 18 other words a minute, at random times and levels, in noise whose colour and loudness drift.
# Every word is noted with its time. One stream is made of validation voices, for choosing; another
# of test voices, for the report. With few `epochs` they are shorter.

# %%
minutes = {"val": min(15, 3 * epochs), "test": min(20, 4 * epochs)}
heard, stream_rng = {}, np.random.default_rng(seed)
for split, length in minutes.items():
    heard[split] = streams.make_stream(
        clips[split], seconds=60 * length, words=words, rng=stream_rng
    )
windows = {split: streams.features_of_stream(stream) for split, stream in heard.items()}
for split, stream in heard.items():
    print(f"{stream}; {len(windows[split]):,} windows")

# %% [markdown]
# Every 100 ms the network sees the 49 frames of the last second, and 44 of them it has seen
# before. So the front end computes each frame once and keeps it: 50 frames a second instead of
# 10 x 49 = 490. The loudness of each second, which the lab evens out, needs no second pass either:
# a factor on the samples is a summand after the logarithm, and the cosine transform moves it into
# the first coefficient alone. Read `features_of_stream`; it is 20 lines.

# %% tags=["nbval-ignore-output"]
raw = detection.posteriors(bundled, windows["val"])
allowed = int(12 * minutes["val"] / 60)  # at most 12 false alarms per hour of this dense stream
outcomes, picked = {}, {}
for window in (1, 3, 5, 10, 15):
    outcomes[window] = detection.sweep(smooth(raw, window), heard["val"])
    picked[window] = detection.choose(outcomes[window], most_false_alarms=allowed)
    print(f"mean of {window}: {picked[window]}; {picked[window].delay_s():+.2f} s after the clip")

# %% [markdown]
# A mean of 1 is no smoothing at all. For each window the threshold is the one with the fewest
# misses among those with few enough false alarms. The last number is the median time from the end
# of a word's one-second clip to its detection. Below, each line shows all thresholds of one window;
# the marker with bars is the chosen one. The bars across are exact: both their ends come from your
# `false_alarm_bound`, called with 0.975 for the upper and, with one alarm less, 0.025 for the lower
# end.

# %% tags=["nbval-ignore-output"]
missed = ", ".join(f"{picked[w].miss_rate().value:.0%} (mean of {w})" for w in (1, 5, 15))
figure, axes = plots.new_figure(data=f"{heard['val']}", wide=True)
drawn = detection_pictures.trade_off(
    axes,
    {f"mean of {w}": outcomes[w] for w in (1, 5, 15)},
    chosen={f"mean of {w}": picked[w].threshold for w in (1, 5, 15)},
    bound=false_alarm_bound,
    title=f"Missed: {missed}",
)
plots.show(figure, alt=f"Misses against false alarms per hour; missed are {missed}.")

# %% [markdown]
# **Watch it work.** Thirty seconds of the stream: below the sound with the words that were said
# (the two keywords on a coloured ground), above it the smoothed scores, the threshold, and what the
# lamp did. In a running notebook, move the sliders: lower the threshold until a false alarm
# appears, then smooth it away. What does the same smoothing do to a short *off*?

# %% tags=["nbval-ignore-output"]
window = 5
threshold = picked[window].threshold
first = min((alarm.time_s for alarm in picked[window].false_alarms), default=20.0)
explorers.StreamExplorer(
    heard["val"], raw, smooth, threshold=threshold, window=window, start_s=max(0.0, first - 20)
)

# %% [markdown]
# After a detection the lamp is deaf for one second, the *refractory time*; without it, a word that
# stays above the threshold for five windows would switch the lamp five times. A detection is a hit
# if its word is being said, or was until half a second ago; every other one is a false alarm, a
# second detection of the same word included.
#
# **Measure.** Now the test stream, with a mean of 5, which we took beforehand, and the threshold
# that the validation stream chose for it: the float32 network, and beside it the int8 network from
# exercise 1.6 with the same threshold, so that only the rounding differs.

# %% tags=["nbval-ignore-output"]
tested = {}
for name, network in {"float32": bundled, "int8": small["bundled"]["8 bit"]}.items():
    scores = smooth(detection.posteriors(network, windows["test"]), window)
    found = detection.detect(scores, listened=listened, threshold=threshold)
    tested[name] = detection.match(found, heard["test"], threshold=threshold)
    count, hours = len(tested[name].false_alarms), tested[name].hours
    alarms = tested[name].false_alarms_per_hour(false_alarm_bound)
    print(f"{name}, {tested[name]}")
    print(f"  misses {tested[name].miss_rate().describe('misses')}")
    print(f"  false alarms per hour {alarms.describe('rate')}")
    print(f"  claim at 95 %: at most {false_alarm_bound(count, hours, 0.95):.3g} per hour")

# %% [markdown]
# Do not read the rate as that of a kitchen. This stream talks without a break, and its noise comes
# from a formula: no radio, no clatter, no music. A kitchen is silent for hours and then plays a
# film. What the stream can do is compare: networks, thresholds and smoothing on the same sound.
# A product must be tested on recordings of real rooms, and your bound says how many hours it takes.
#
# The Wilson interval of the misses takes keywords as independent. Words of one voice are alike, so
# it is rather too narrow.

# %% [markdown]
# **Reflect.** Does your bound allow the claim of fewer than 12 false alarms an hour? Compare misses
# and false alarms with those of the validation stream, which chose the threshold: which of the two
# is likely to flatter, and why? If int8 has one false alarm more or less than float32, may you call
# it worse or better? And if the lamp must react by the end of the word's clip, which smoothing
# windows are left?

# %% [markdown]
# ## 9. Which version do you ship?
#
# By now you have made a handful of networks from one. Which of them goes into the lamp? No single
# number answers that: each version has a size, an accuracy with its interval, MACs, and errors in
# a stream. First leave out what nobody should ship, then hold the rest against a budget, and only
# then open the test clips, for one version.
#
# **Predict.** How many of the versions below can these validation clips *not* tell from float32?

# %%
guessed_alike = None  # a whole number

# %% [markdown]
# These are the versions, all made from the bundled network: rounded (1.6), trained on with the
# rounding in place (QAT, 1.6), without its dead channels (trimmed, 1.7), and pruned with `sparsity`
# and fine-tuned (1.7), single weights (sparse) or whole channels (slim), with 8 bits for what is
# left. The last two met the training clips again, with labels. The control of 1.7 (float32 tuned)
# met them as often and was not pruned: what it gains or loses comes from more training alone. The
# last number of each line is the share of the validation clips that it gets right.

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import shipping

trained_further = {f"{name} QAT": network for name, network in tuned.items()}
made = {**small["bundled"], **trained_further}
pruned = {"8 bit trimmed": trimmed, "8 bit sparse": sparse_tuned, "8 bit slim": slim_tuned}
for name, network in pruned.items():
    made[name] = quantization.quantize_network(network, calibration, weight_bits=8)
bytes_of = {name: network.size_bytes for name, network in made.items()}
bytes_of["8 bit sparse"] = made["8 bit sparse"].sparse_size_bytes
made = {"float32": bundled, "float32 tuned": control} | made
bytes_of |= dict.fromkeys(("float32", "float32 tuned"), sizes["bundled"]["float32"])
macs_of = dict.fromkeys(made, whole.macs) | {"8 bit trimmed": left_over.macs}
macs_of["8 bit slim"] = counting.count(slim_tuned, one).macs

# %% tags=["nbval-ignore-output"]
versions = []
for name, network in made.items():
    right = training.is_right(network, watched).numpy()
    versions.append(shipping.Version(name, network, bytes_of[name], macs_of[name], right))
versions

# %% [markdown]
# Every version is compared with float32 on the same clips, speaker by speaker: that is far sharper
# than comparing two accuracies with their own intervals. But who makes many comparisons finds some
# difference by luck. Holm's method raises the p-values with their number, so that calling those up
# to 0.05 different is wrong at all in at most 5 % of such tables.

# %% tags=["nbval-ignore-output"]
compared = shipping.compare(versions, clips["val"], rng=np.random.default_rng(seed))
display(shipping.table(compared))
alike = [each.name for each in compared[1:] if not each.is_different]
show_prediction("alike", records.counted(len(alike)), guess=guessed_alike)

# %% [markdown]
# A loss below 0 is a gain. An interval is for one comparison, p is raised for all of them: so an
# interval may leave out 0 where the verdict is "cannot be told apart".
#
# "Cannot be told apart" is no proof of equality. It says that luck would explain such a difference;
# the upper end of the loss says how much may be lost all the same. "Differs" is a claim about
# speakers like these, and the difference may still be too small to matter: size and certainty of a
# loss are two questions.

# %% tags=["nbval-ignore-output"]
points = [(each.name, each.size, each.top1) for each in compared]
best_values = plots.pareto_indices([(size.value, top1.value) for _, size, top1 in points])
front = [points[i][0] for i in best_values]
figure, axes = plots.new_figure(data=f"{dataset}, validation split", wide=True)
axes.set_xscale("log")
drawn = plots.pareto_front(
    axes,
    points,
    x_label="size of the network [B]",
    y_label="accuracy [1]",
    title=f"Of {len(points)} versions, on the front: {', '.join(front)}",
)
plots.show(figure, alt=f"Accuracy against size of all versions; on the front are {front}.")

# %% [markdown]
# A version is on the Pareto front if no other is both smaller and more accurate. The front is made
# of values, not of intervals, so a version a hair below it may well be as good: look at the bars
# before you rule one out. MACs are not in the picture. Fewer bits leave them as they are, and zeros
# that a processor multiplies all the same do so as well; only removed channels take them away.

# %% [markdown]
# **The scenario.** The lamp runs on a battery. Its microcontroller has 20,000 bytes of flash left
# for the network and 24,000 bytes of RAM for its activations; section 3 counted how many of them
# must be kept at once at width 1. Against float32 the lamp may lose at most 5 points of accuracy,
# even at the far end of the interval. In a stream like that of section 8 it may miss at most one
# command in three and raise at most 12 false alarms an hour.
#
# Filled versions are left within flash and allowed loss. In a running notebook, move the sliders:
# which version leaves first when you allow less loss, and which when flash shrinks?

# %% tags=["nbval-ignore-output"]
flash_bytes, most_loss = 20_000, 0.05
explorers.BudgetExplorer(
    compared, f"{dataset}, validation split", flash_bytes=flash_bytes, most_loss=most_loss
)

# %% [markdown]
# Clips are not the stream. So each version that fits into flash also listens to the validation
# stream, with the smoothing of section 8 and a threshold of its own, since networks are sure of
# themselves in different ways. Choose by these numbers too; the test stream is for the report.

# %% tags=["nbval-ignore-output"]
on_stream = {}
for each in versions:
    if each.size_bytes <= flash_bytes:
        scores = smooth(detection.posteriors(each.network, windows["val"]), window)
        swept = detection.sweep(scores, heard["val"])
        on_stream[each.name] = detection.choose(swept, most_false_alarms=allowed)
        print(f"{each.name}: {on_stream[each.name]}")

# %% [markdown]
# **Decide.** Write the name of the version that you ship. As long as there is none, a plain rule
# decides: of the versions within the budget the smallest, and if there is none, of those that fit
# into flash the one that loses least.

# %%
shipped = None  # for instance "8 bit"

# %% [markdown]
# Now the test clips one by one (in section 8 they were heard only inside the stream), and the test
# stream with this version, at the threshold that the validation stream chose for it. If you come
# back and choose again after reading these numbers, they are no longer a test: you would have
# picked what happens to suit them.

# %% tags=["nbval-ignore-output"]
version = shipping.decide(
    versions, compared, name=shipped, flash_bytes=flash_bytes, most_loss=most_loss
)
test_examples = features["test"], clips["test"].labels
right = training.is_right(version.network, test_examples).numpy()
shipped_top1 = training.speech_top1(right, clips["test"], rng=rng).result()
chosen = on_stream.get(version.name)
threshold = chosen.threshold if chosen else picked[window].threshold
scores = smooth(detection.posteriors(version.network, windows["test"]), window)
found = detection.detect(scores, listened=listened, threshold=threshold)
shipped_outcome = detection.match(found, heard["test"], threshold=threshold)
shipped_alarms = shipped_outcome.false_alarms_per_hour(false_alarm_bound)
shipped_misses = shipped_outcome.miss_rate()
print(f"{version}, threshold {threshold:.2f}")
print("top-1 on test clips", shipped_top1.describe("top1"))
print("misses", shipped_misses.describe("misses"))
print("false alarms per hour", shipped_alarms.describe("rate"))

# %% [markdown]
# ### Exercise 1.9: the decision memo (8 points, 40 minutes)
#
# Write to the lamp's makers, in 150 to 200 words. Your memo must
#
# - choose one version for the scenario above, with your own numbers and their intervals: size,
#   loss, misses, false alarms, and whether the activations fit into RAM,
# - say what is lost for sure, and what these data cannot tell,
# - say why the arithmetic energy of section 1 is a lower bound, and why the DRAM row of its table
#   does not apply to a microcontroller,
# - name what was not measured, and how you would measure it.

# %% [markdown]
# #### Exercise 1.9
#
# ### BEGIN SOLUTION
# Ship the 8 bit slim network. It takes 9,367 B of the 20,000 allowed; 8 bits with all channels take
# 26,775 B and do not fit. With all channels 16,000 activations of one byte are kept at once, which
# fits into 24,000 bytes of RAM.
#
# On the validation clips it loses -0.0139 [-0.0402, 0.0128] of the accuracy. Nothing is lost for
# sure, and at worst about one point; any gain may be that of the extra training: the control, not
# pruned, scored no lower. On the test stream it misses 0.188 [0.117, 0.287] of the commands, within
# your limit to the end of the interval, with 6 [0.727, 21.7] false alarms per hour. That value
# meets your limit, its interval reaches beyond: twenty minutes cannot tell.
#
# The arithmetic energy counts multiplications and additions alone. Fetching instructions, moving
# data, leakage and waiting come on top, so it is a lower bound. The DRAM row does not apply: a
# microcontroller keeps weights in flash and activations in SRAM.
#
# Not measured: latency and energy on the device, to be timed and probed on the board; and false
# alarms in real rooms. There, three quiet hours would support a claim of one an hour.
# ### END SOLUTION

# %% [markdown]
# ## Hand over the results
#
# Now the test clips for all versions, once, and the counts. One call shows the results and hands
# them to whoever runs this notebook: `lab run` writes them with their uncertainty into a record, so
# that runs with other parameters can be compared. Plain names are your own network's; names that
# begin with `bundled` are those of the network that came with the lab.

# %% tags=["nbval-ignore-output"]
mine = {**small["your own"], "sparse": own_sparse, "slim": own_slim}
theirs = {**small["bundled"], **trained_further}
theirs |= {"sparse": sparse_tuned, "slim": slim_tuned, "lasso": vanished}
closed = {"clips": clips["test"], "features": features["test"], "rng": rng}
own_test = comparison.judge(mine, own, **closed)
bundled_test = comparison.judge(theirs, bundled, **closed)
is_word = (clips["test"].labels != keywords.SILENCE).numpy()
right = own_test["float32"].right
top1_words = stats.cluster_bootstrap(right[is_word], clips["test"].speakers[is_word], rng=rng)
top1_silence = stats.proportion_interval(int(right[~is_word].sum()), int((~is_word).sum()))

# %% tags=["nbval-ignore-output"]
results = {
    "top1_float": own_test["float32"].top1.result(),
    "top1_words": top1_words.result(),
    "top1_silence": top1_silence.result(),
    "top1_int8": own_test["8 bit"].top1.result(),
    "top1_int8_loss": own_test["8 bit"].loss.result(),
    "top1_bits": own_test[f"{bits} bit"].top1.result(),
    "top1_sparse": own_test["sparse"].top1.result(),
    "top1_slim": own_test["slim"].top1.result(),
    "bundled_top1_float": bundled_test["float32"].top1.result(),
    "bundled_top1_int8": bundled_test["8 bit"].top1.result(),
    "bundled_top1_int8_loss": bundled_test["8 bit"].loss.result(),
    "bundled_top1_bits": bundled_test[f"{bits} bit"].top1.result(),
    "bundled_top1_bits_qat": bundled_test[f"{bits} bit QAT"].top1.result(),
    "bundled_top1_2bit": bundled_test["2 bit"].top1.result(),
    "bundled_top1_2bit_qat": bundled_test["2 bit QAT"].top1.result(),
    "bundled_top1_sparse": bundled_test["sparse"].top1.result(),
    "bundled_top1_slim": bundled_test["slim"].top1.result(),
    "bundled_top1_lasso": bundled_test["lasso"].top1.result(),
}

# %% [markdown]
# What can be counted comes with it, the modelled energy of the arithmetic, the ratios of the
# latencies on this machine, and what the two networks did with the test stream. The pruned versions
# of your own network are rounded to 8 bits before their bytes are counted.

# %% tags=["nbval-ignore-output"]
own_rounded = [
    quantization.quantize_network(network, calibration, weight_bits=8)
    for network in (own_sparse, own_slim)
]
slim_counts = counting.count(own_slim, one)
numbers = {
    "parameters": parameters,
    "macs": macs,
    "peak_activation_elements": peak_elements,
    "parameters_slim": slim_counts.params,
    "macs_slim": slim_counts.macs,
    "size_bytes_float32": 4 * parameters,
    "size_bytes_int8": small["your own"]["8 bit"].size_bytes,
    "size_bytes_bits": small["your own"][f"{bits} bit"].size_bytes,
    "size_bytes_sparse": own_rounded[0].sparse_size_bytes,
    "size_bytes_slim": own_rounded[1].size_bytes,
    "shipped_size_bytes": version.size_bytes,
}

# %% tags=["nbval-ignore-output"]
records.show_results(
    data=dataset,
    **results,
    **{name: records.counted(number) for name, number in numbers.items()},
    arithmetic_energy_int8_uj=energies["int8"],
    arithmetic_energy_float32_uj=energies["float32"],
    latency_ratio_sparse=ratios["batch 1"][zeros],
    latency_ratio_half_slim=ratios["batch 1"][half],
    bundled_miss_rate=tested["float32"].miss_rate(),
    bundled_miss_rate_int8=tested["int8"].miss_rate(),
    bundled_false_alarms_per_hour=tested["float32"].false_alarms_per_hour(false_alarm_bound),
    bundled_false_alarms_per_hour_int8=tested["int8"].false_alarms_per_hour(false_alarm_bound),
    shipped_top1=shipped_top1,
    shipped_miss_rate=shipped_misses,
    shipped_false_alarms_per_hour=shipped_alarms,
)

# %% [markdown]
# ## Submit
#
# Choose *Run, Restart Kernel and Run All Cells*: each check should say that its open cases pass,
# and no cell should show an error. Save the notebook, then run this in a terminal in the course
# folder: `lab submit mcu_compression`. It says for every exercise whether your answer is found, and
# makes `mcu_compression.zip`, the file to hand in. If you worked in Colab, download the notebook
# first and give its path and link: `lab submit mcu_compression PATH --url LINK`.
