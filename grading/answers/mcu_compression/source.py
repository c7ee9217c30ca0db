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
# **Time** about 7 and a half hours for fourteen exercises, more with all reading and reflecting, so
# plan several days: sections 1 to 9 make the network small, sections 10 to 15 put it on a
# microcontroller. **Hardware** any laptop with 2 cores; no GPU, no network, no board. **Data**
# spoken words; without a download, words that a speech synthesiser made.
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
# And after sections 10 to 15 you can
#
# - run a network with whole numbers alone, code for code as a microcontroller does,
# - write C for it, prove it exact, read its profile and make its hot loop fast,
# - say whether it fits a board, meets a deadline, and how long a battery lasts.

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
from labs.mcu_compression import limits, training
from labs.shared import keywords, networks

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
from labs.mcu_compression import counting_pictures, devices, operations
from labs.shared import tables

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
# ## 10. Whole numbers only
#
# So far floats played the whole numbers: `QuantizedNetwork` rounds, and computes in float32 between
# one rounding and the next. Small microcontrollers have no unit for floats. On them a layer adds
# products of int8 codes in int32, which is exact. One step is left that seems to need a real
# number. The sum counts in steps of `input scale * weight scale`, the next layer reads codes in
# steps of the output scale. In between stands their quotient, the **factor**, say 0.0045: one for
# each channel.

# %% [markdown]
# The answer of TensorFlow Lite, and of most others, is **requantisation**: the factor becomes a
# whole number of 31 bits, the *multiplier*, times a power of two, the *shift*. A product with a
# whole number is what the processor has an instruction for. A power of two moves bits. Both steps
# leave bits over, so both round, and each in its own way.
#
# **Predict.** Of 1,000 codes that leave the layers of the bundled network, how many would be others
# if one rounded only once, at the end? And of 100 validation clips, how many get another answer
# from whole numbers than from the floats that played them?

# %%
guessed_twice = None  # codes of 1,000
guessed_other_answers = None  # clips of 100

# %% [markdown]
# **By hand.** A float is a number from 0.5 to 1, times a power of two; `frexp` takes it apart. The
# factor 0.375 is 0.75 * 2^-1. So its shift is -1, and its multiplier is 0.75 * 2^31 =
# 1,610,612,736.

# %%
import math

math.frexp(0.375), math.frexp(0.0045), math.frexp(1.5)

# %% [markdown]
# Now some sums with the factor 0.375, and the zero point 10:
#
# | sum | times 0.75 | rounded | times 2^-1 | rounded | code |
# |---|---|---|---|---|---|
# | 9 | 6.75 | 7 | 3.5 | 4 | 14 |
# | -9 | -6.75 | -7 | -3.5 | -4 | 6 |
# | 1 | 0.75 | 1 | 0.5 | 1 | 11 |
# | 2 | 1.5 | 2 | 1 | 1 | 11 |
# | -2 | -1.5 | -1 | -0.5 | -1 | 9 |
# | 400 | 300 | 300 | 150 | 150 | 127 |
#
# Look at the sum 1: its exact value is 0.375, and rounding once would give 0. The first rounding
# takes halves up, the second takes them away from 0. Strange, but this is what the chips do.

# %% [markdown]
# ### Exercise 1.10: requantisation by hand (8 points, 30 minutes)
#
# Write two functions, about 12 lines in all. `multiplier_and_shift(factor)`, for a float >= 0,
# returns `(multiplier, shift)`, two whole numbers, so that the factor is nearly multiplier *
# 2^(shift - 31):
#
# - The multiplier is the whole number nearest to factor * 2^(31 - shift). For ties either will do.
# - It lies from 2^30 to 2^31 - 1. That leaves one shift; if rounding leads up to 2^31, take half of
#   it and the next shift.
# - A factor below 2^-32 gives (0, 0). With it no sum would reach half a code.

# %% [markdown]
# `requantize(sums, multiplier, shift, zero_point)` takes an int32 array and returns codes, whole
# numbers in its shape:
#
# - A positive shift comes first: the sums are multiplied by 2^shift. They stay within int32.
# - Then the sums are multiplied by multiplier / 2^31. The product is rounded to the nearest whole
#   number, a half goes up.
# - A negative shift comes last: a division by 2^-shift. The quotient is rounded as well, but here a
#   half goes away from 0.
# - The zero point is added, and codes end at -128 and 127.

# %% [markdown]
# `requantize` works on the sums of a whole layer:
#
# - Multiplier and shift may be arrays (channels,), for the last axis of sums. They are int32 too.
# - Sums are int32 of any size, and every code is exact.
#
# A product needs up to 62 bits. A float64 holds 53 of them, `np.int64` all. For whole numbers `x >>
# n` divides by 2^n and rounds down, below 0 as well.


# %%
# Exercise 1.10
def multiplier_and_shift(factor):
    """Return (multiplier, shift), two whole numbers."""
    ### BEGIN SOLUTION
    if factor < 2**-32:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    multiplier = round(mantissa * 2**31)
    if multiplier == 2**31:
        return 2**30, shift + 1
    return multiplier, shift
    ### END SOLUTION


def requantize(sums, multiplier, shift, zero_point):
    """Return codes from -128 to 127, in the shape of sums."""
    ### BEGIN SOLUTION
    products = (sums.astype(np.int64) << np.maximum(shift, 0)) * multiplier
    rounded = (products + 2**30) >> 31
    divisors = np.int64(1) << np.maximum(-shift, 0)
    quotients = (2 * np.abs(rounded) + divisors) // (2 * divisors)
    return np.clip(np.sign(rounded) * quotients + zero_point, -128, 127)
    ### END SOLUTION


# %%
show_check("1.10")

# %% [markdown]
# **The real thing.** `integer_network` turns a quantised network into whole numbers and nothing
# else: int8 weights, int32 biases, a multiplier and a shift for each channel. It runs in NumPy, and
# what it computes is from here on the definition: every program for every chip must give these very
# codes. First: are its factors yours?

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import requantization, requantization_pictures
from labs.mcu_compression.integer.from_torch import integer_network

multiplier_and_shift = best("1.10", multiplier_and_shift)
requantize = best("1.10", requantize)
chip = integer_network(small["bundled"]["8 bit"], name="bundled")
own_chip = integer_network(small["your own"]["8 bit"], name="your own")
proved = min(200, 20 * epochs)  # clips that an emulated core is tried on
some_codes = requantization.input_codes(chip, features["val"][:: len(features["val"]) // 20])
sums = requantization.layer_sums(chip, some_codes)
factors = requantization.real_factors(small["bundled"]["8 bit"])
tables.Table(requantization.factor_rows(sums, factors, multiplier_and_shift=multiplier_and_shift))

# %% [markdown]
# The last column holds the largest absolute sum in some validation clips. Where it is huge, the
# factor of that channel is tiny: such a channel is dead, its weights are almost 0, and its bias,
# counted in steps that small, is a large number. So large sums do occur, though nothing of them is
# left in the code.
#
# Second: your function gets the sums of every layer, and its codes are held against the network's.
# Beside it stands rounding once.

# %% tags=["nbval-ignore-output"]
yours = requantization.partings(sums, lambda each: each.requantized(requantize))
different, all_codes = (sum(getattr(p, n) for p in yours) for n in ("different", "codes"))
print(f"{all_codes - different:,} of {all_codes:,} codes are as yours")
once = requantization.partings(sums, requantization.rounded_once)
changed = sum(parting.different for parting in once)
most = max(once, key=lambda parting: parting.per_thousand)
figure, axes = plots.new_figure(data=f"{dataset}, {len(some_codes)} validation clips", wide=True)
title = f"One rounding instead of two changes {changed:,} codes, most in {most.layer}"
drawn = requantization_pictures.partings(axes, once, title=title)
told = "; ".join(f"{p.layer} {p.per_thousand:.2g}" for p in once)
plots.show(figure, alt=f"{title}. Codes changed, of 1,000: {told}.")

# %%
per_thousand = records.counted(1000 * changed / all_codes)
show_prediction("codes_changed_by_one_rounding", per_thousand, guess=guessed_twice)

# %% [markdown]
# Few codes, and each by one step. No accuracy would show it. Yet in what follows one single
# differing code counts as a failure. For who demands equality finds every mistake: a wrong index in
# the last row, a sum that overflows once in a thousand clips. Who allows one step finds none of
# them. That is why the rounding must be settled first, strange or not.

# %% [markdown]
# **Measure.** Whole numbers beside the floats that played them, for both networks, on validation
# clips; the loss is paired. Both have the same weights and scales. They differ where float32 sums
# round and whole ones do not, where factors have 24 bits or 31, and in halves.

# %% tags=["nbval-ignore-output"]
beside = {
    who: requantization.beside_floats(
        network,
        small[who]["8 bit"],
        clips=clips["val"],
        features=features["val"],
        rng=np.random.default_rng(seed),
    )
    for who, network in {"bundled": chip, "your own": own_chip}.items()
}
display(tables.Table([each.row(who) for who, each in beside.items()]))
others = beside["bundled"].clips - beside["bundled"].same
other_percent = records.counted(100 * others / beside["bundled"].clips)
show_prediction("other_answers_percent", other_percent, guess=guessed_other_answers)

# %% [markdown]
# Neither of the two is the right one: both stand for the float32 network, each with its own
# rounding. A clip that changes its answer was close between two words before.
#
# **Reflect.** A multiplier of 31 bits is off by at most 2^-31 of itself. Would 8 bits do? Work out
# by how much a code could then move that lies 100 steps from the zero point, and which codes would
# hardly ever move. And the factor takes one number for each *output* channel: why can there be none
# for each input channel?

# %% [markdown]
# ## 11. A layer in C
#
# Microcontrollers are programmed in C. Many products carry an interpreter that reads the network
# from a file while it runs. FastInference does without: a **generator** writes one C file for one
# network, in which every size is a constant and which needs nothing but a compiler. That file fits
# where no interpreter does, and the compiler knows all that there is to know.
#
# You write the part of a generator that matters most: the pointwise layer, which did most of the
# work in 1.3. No board is needed. The compiler comes with pip, and the processor, an Arm Cortex-M4,
# is **emulated**: what it computes is exact, bit for bit, and its instructions are counted. Time is
# not in it.

# %% [markdown]
# **By hand.** If C is new to you, this is nearly all that you need. `int8_t` and `int32_t` are
# whole numbers of 8 and 32 bits. `const int8_t *x` is the address of the first of many: `x[k]` is
# the k-th behind it, and nobody checks whether there is one. A product of two `int8_t` is computed
# in 32 bits.

# %%
from labs.mcu_compression import bench, own_kernels
from labs.mcu_compression.integer.network import macs_of as macs_of_layer
from labs.mcu_compression.kernel_bench import PAIRS
from labs.shared.emulator import Machine
from labs.shared.toolchain import compile_c

DOT = """
#include <stdint.h>

int8_t x[3] = {3, -2, 5}, w[3] = {5, 7, -1};

int32_t dot(const int8_t *x, const int8_t *w, int n) {
  int32_t sum = 0;
  for (int k = 0; k < n; k++) sum += x[k] * w[k];
  return sum;
}
"""
machine = Machine(compile_c(DOT, "m4"))
machine.call("dot", machine.address("x"), machine.address("w"), 3)

# %% [markdown]
# 15 - 14 - 5 = -4, computed by a Cortex-M4. Try it: what comes back for n = 4, one more than there
# are?
#
# **Predict.** A MAC is one multiplication and one addition. How many instructions does a plain loop
# in C take on this processor for each MAC of a pointwise layer, all in all? And how many bytes of
# instructions will the whole network need, without its weights?

# %%
guessed_instructions_per_mac = None  # instructions for each MAC
guessed_code_bytes = None  # bytes of instructions, without weights

# %% [markdown]
# **By hand, one code.** A layer with one place, two inputs, and x_zero = -1: the codes 3 and -2
# stand for 4 and -1 steps. An output with weights 5, 7 and bias 2 has the sum 2 + 4 * 5 - 1 * 7 =
# 15. With multiplier 2^30 and shift -1 it is multiplied by 1/2 and again by 1/2, rounded both
# times: 8, then 4. With y_zero = -10 its code is -6.
#
# This is how a layer is called. All its functions have these arguments; `requantize` is 1.10 in C
# and is there.

# %%
SIGNATURE = """void pointwise(const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b,
               const int32_t *m, const int8_t *s)"""

REQUANTIZE = """int8_t requantize(int32_t sum, int32_t multiplier, int32_t shift,
                  int32_t zero_point, int32_t low, int32_t high)"""

# %% [markdown]
# ### Exercise 1.11: a layer in C (10 points, 45 minutes)
#
# Write `pointwise_source(places, inputs, outputs, x_zero, y_zero)`. It returns a text, about 10
# lines of C, with the function `pointwise` for a layer of these sizes. Sizes and zero points stand
# in the text as numbers. `x` holds (places, inputs) codes, row after row, `y` (places, outputs),
# `w` (outputs, inputs); `b`, `m` and `s` hold a bias, a multiplier and a shift for each output.
#
# - The text is C that compiles, and `pointwise` is in it as above.
# - Each sum begins with b[o] and runs over x[p * inputs + k] - x_zero. Each of these is multiplied
#   by w[o * inputs + k].
# - The code y[p * outputs + o] is the sum requantised with m[o], s[o] and y_zero. Its limits are
#   -128 and 127.

# %% [markdown]
# The check compiles the text for the Cortex-M4 behind `<stdint.h>` and `requantize`, calls
# `pointwise` and looks through the memory. There is no C library.
#
# - Every code equals the reference's, bit for bit, whatever the numbers are.
# - All of y is written, and nothing else.
# - Equal arguments give equal texts.
#
# Two hints. In an f-string a brace of C is written twice: `f"if (a) {{ b = {size}; }}"`. And a
# negative number behind a minus needs parentheses: `x - ({x_zero})`.


# %%
# Exercise 1.11
def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    """Return C text with the function pointwise."""
    ### BEGIN SOLUTION
    return f"""{SIGNATURE} {{
  for (int p = 0; p < {places}; p++)
    for (int o = 0; o < {outputs}; o++) {{
      int32_t sum = b[o];
      for (int k = 0; k < {inputs}; k++)
        sum += (x[p * {inputs} + k] - ({x_zero})) * w[o * {inputs} + k];
      y[p * {outputs} + o] = requantize(sum, m[o], s[o], {y_zero}, -128, 127);
    }}
}}
"""
    ### END SOLUTION


# %%
show_check("1.11")

# %% [markdown]
# **The real thing.** Your text becomes part of the network. The generator writes all other layers,
# yours stands where the pointwise layers are, and the whole is compiled for the Cortex-M4. This is
# the end of the file: the function that runs the network, and the arrays that it needs.

# %% tags=["nbval-ignore-output"]
pointwise_source = best("1.11", pointwise_source)
plain = own_kernels.plain_writer(pointwise_source)
generated = own_kernels.deploy_with(chip, plain)
text = generated.source.text
print(f"{len(text.splitlines()):,} lines, the last of them:\n")
print(text[text.index("static int8_t arena") :])

# %% [markdown]
# **Is it exact?** Not nearly: exactly. The same clips go through NumPy and through the program, on
# an M4, on the smaller M0+, which has no 64-bit multiplication and no SIMD, and compiled for the
# processor of this machine. All twelve output codes of a clip must be equal.

# %% tags=["nbval-ignore-output"]
val_codes = chip.codes(features["val"].numpy().transpose(0, 2, 3, 1))
val_want = chip.run(val_codes)
rows = []
for core, n in (("m4", proved), ("m0plus", proved // 10)):
    deployed = own_kernels.deploy_with(chip, plain, core=core)
    equal = (deployed.run(val_codes[:n]) == val_want[:n]).all(axis=1)
    row = {"on": deployed.program.core.title, "clips": len(equal), "equal": int(equal.sum())}
    rows.append(row | {"instructions": deployed.profile(val_codes[0]).instructions})
equal = (bench.run_on_host(generated.source, val_codes) == val_want).all(axis=1)
rows.append({"on": "this machine", "clips": len(equal), "equal": int(equal.sum())})
tables.Table(rows)

# %% [markdown]
# One clip that differs would be a mistake, not noise: nothing here is rounded differently on
# another machine. So from now on a program is tested on a laptop and trusted on a chip, as far as
# its codes go.
#
# Now your own network, and what the program takes: instructions for one clip, bytes in flash for
# code and for weights, bytes in RAM for activations.

# %% tags=["nbval-ignore-output"]
own_generated = own_kernels.deploy_with(own_chip, plain)
own_codes = own_chip.codes(features["val"][:20].numpy().transpose(0, 2, 3, 1))
own_equal = (own_generated.run(own_codes) == own_chip.run(own_codes)).all(axis=1)
print(f"your own network: {own_equal.sum()} of {len(own_equal)} clips equal")
profiles = {"bundled": generated.profile(val_codes[0])}
profiles["your own"] = own_generated.profile(own_codes[0])
tables.Table(
    [
        {
            "network": name,
            "instructions": profiles[name].instructions,
            "code [B]": deployed.program.code_bytes,
            "flash [B]": deployed.flash_bytes,
            "activations [B]": deployed.arena_bytes,
            "stack [B]": profiles[name].stack_bytes,
        }
        for name, deployed in (("bundled", generated), ("your own", own_generated))
    ]
)

# %%
by_function = profiles["bundled"].by_function
mine = next(name for name in by_function if name.startswith("pointwise"))
pointwise_macs = sum(
    macs_of_layer(layer, chip.tensors[layer.output])
    for layer in chip.layers
    if "pointwise" in layer.name
)
per_mac = by_function[mine] / pointwise_macs
display(
    show_prediction(
        "instructions_per_mac", records.counted(per_mac), guess=guessed_instructions_per_mac
    )
)
code_bytes = records.counted(generated.program.code_bytes)
show_prediction("code_bytes", code_bytes, guess=guessed_code_bytes)

# %% [markdown]
# **Reflect.** Which instructions besides the multiplication does a MAC need, and which of them
# would be there in any language? The sizes stand in the text as numbers: what can a compiler do
# with `k < 64` that it cannot do with `k < inputs`? And which is larger, the code or the weights;
# what follows for a product that runs two networks?

# %% [markdown]
# ## 12. The hot loop
#
# Fast code begins with a profile, not with an idea. Which function takes the instructions, and what
# are they: arithmetic, loads, branches? The counts are exact and repeat to the last digit, so even
# a small change shows.
#
# **Predict.** Which share of all instructions of your program are multiplications? And how many
# times fewer instructions will the pointwise layer take when you are done with it?

# %%
guessed_multiply_percent = None  # from 0 to 100
guessed_pointwise_gain = None  # times fewer instructions

# %% [markdown]
# The profile of your program from section 11, for one clip. Counts are the number of times that
# each block of instructions ran, times what is in it; instructions that a condition skips count. Of
# the classes, `alu` is addition, comparison and logic, `it` announces instructions that depend on a
# condition, and `simd` works on several numbers in one register.

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import deployment_pictures

before = generated.profile(val_codes[0])
for what, counts in (("function", before.by_function), ("class", before.by_class)):
    figure, axes = plots.new_figure(data="Cortex-M4, emulated; one clip", wide=True)
    most, count = next(iter(counts.items()))
    share = count / before.instructions
    title = f"{most} takes {share:.0%} of {before.instructions:,} instructions"
    drawn = deployment_pictures.counts(axes, counts, title=title)
    told = "; ".join(f"{row['name']} {row['share']:.1%}" for row in drawn)
    display(plots.show(figure, alt=f"Bars of the instructions by {what}. {told}."))

# %%
multiply_percent = 100 * before.by_class["multiply"] / before.instructions
show_prediction(
    "multiply_percent", records.counted(multiply_percent), guess=guessed_multiply_percent
)

# %% [markdown]
# The arithmetic that the network is about is a small part. The rest fetches numbers, subtracts zero
# points, counts loops and requantises. Three ideas, each known from libraries such as CMSIS-NN:
#
# **Fold the zero point.** The sum of w (x - z) is the sum of w x, minus z times the sum of w. The
# second part is known before the program runs: it can go into the bias.

# %% [markdown]
# **Multiply in pairs.** The M4 has 32-bit registers and instructions that treat one as two halves
# of 16 bits. SMLAD multiplies both halves of two words and adds both products to a sum: two MACs in
# one instruction. SXTB16 makes the halves: it takes bytes 0 and 2 of a word and extends their
# signs. Rotated by 8 bits, it takes bytes 1 and 3. These four functions of C are one instruction
# each:

# %%
TRIED = (
    "#include <stdint.h>\n"
    + PAIRS
    + """
int8_t x[4] = {1, 2, -3, 4}, w[4] = {10, 20, 30, 40};
int32_t even(void) { return sxtb16(load4(x)); }
int32_t odd(void) { return sxtb16_ror8(load4(x)); }
int32_t pairs(void) { return smlad(even(), sxtb16(load4(w)), 1000); }
"""
)
machine = Machine(compile_c(TRIED, "m4"))
print(f"even {machine.call('even') & 0xFFFFFFFF:#010x}, odd {machine.call('odd'):#010x}")
print("pairs", machine.call("pairs"))

# %% [markdown]
# Read the words from right to left: the low half of `even` is 1, its high half 0xfffd, which is -3.
# And 1000 + 1 * 10 - 3 * 30 = 920; the bytes 1 and 3 are still to come.
#
# **Use what you loaded.** Each word of x meets the weights of all outputs, each word of w all
# places. Who computes two places and two outputs at once has four sums in registers, loads and
# extends four words, and does 16 MACs with them; one at a time, four MACs need two words.

# %% [markdown]
# ### Exercise 1.12: the hot loop (10 points, 50 minutes)
#
# Two functions. `fold_zero_point(w, b, x_zero)`, one line of NumPy, takes weights (outputs, inputs)
# int8 and biases (outputs,) int32, and returns biases (outputs,):
#
# - Each bias becomes b minus x_zero times the sum of its output's weights. Sums do not fit int8.
#
# `fast_pointwise_source(places, inputs, outputs, y_zero)` returns C text as in 1.11, some 20 lines,
# for biases that are folded: no zero point of x is in it. `inputs` is a multiple of 4; places and
# outputs may be odd. `load4`, `sxtb16`, `sxtb16_ror8` and `smlad` are there.
#
# - Every code equals the reference's, bit for bit, whatever the numbers are. All of y is written,
#   and nothing else.

# %% [markdown]
# Then instructions are counted, for a layer of 125 places, 64 inputs and 64 outputs, and compared
# with the plain kernel of the generator (`CONVOLUTION` in `c_code/loops.py`, whose sizes are
# arguments), made by the same compiler. Only exact code counts.
#
# - It takes at most 60 % of the plain kernel's instructions. A loop without the zero point does.
# - It takes at most 45 % of the plain kernel's instructions. SMLAD does.
# - It takes at most 35 % of the plain kernel's instructions. Two places and two outputs at once do.

# %% [markdown]
# Begin with one place and one output, get the codes right, and only then make it two by two. Places
# or outputs may be odd in number: let the last tile do its last place again, or add a plain loop
# for what is left.


# %%
# Exercise 1.12
def fold_zero_point(w, b, x_zero):
    """Return biases (outputs,) with the zero point of x in them."""
    ### BEGIN SOLUTION
    return b - x_zero * w.sum(axis=1, dtype=np.int32)
    ### END SOLUTION


def fast_pointwise_source(places, inputs, outputs, y_zero):
    """Return C text with a fast function pointwise, for cores with SMLAD."""
    ### BEGIN SOLUTION
    kernel = """
#define DOT(x, w, sum) smlad(sxtb16(x), sxtb16(w), smlad(sxtb16_ror8(x), sxtb16_ror8(w), sum))
#define PUT(p, o, sum) y[p * O + o] = requantize(sum, m[o], s[o], ZERO, -128, 127)
void pointwise(const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b,
               const int32_t *m, const int8_t *s) {
  for (int o = 0; o < O; o += 2) for (int p = 0; p < P; p += 2) {
    int q = p + 1 < P ? p + 1 : p, r = o + 1 < O ? o + 1 : o;  /* at the end the last again */
    int32_t po = b[o], pr = b[r], qo = po, qr = pr;
    for (int k = 0; k < N; k += 4) {
      uint32_t x1 = load4(x + p * N + k), x2 = load4(x + q * N + k);
      uint32_t w1 = load4(w + o * N + k), w2 = load4(w + r * N + k);
      po = DOT(x1, w1, po), pr = DOT(x1, w2, pr), qo = DOT(x2, w1, qo), qr = DOT(x2, w2, qr);
    }
    PUT(p, o, po); PUT(p, r, pr); PUT(q, o, qo); PUT(q, r, qr);
  }
}"""
    return f"enum {{ P = {places}, N = {inputs}, O = {outputs}, ZERO = {y_zero} }};" + kernel
    ### END SOLUTION


# %%
show_check("1.12")

# %% [markdown]
# **The real thing.** Your two functions now make the pointwise layers of the network: the biases
# are folded by the first, the text comes from the second. Exact first, then faster.

# %% tags=["nbval-ignore-output"]
fold_zero_point = best("1.12", fold_zero_point)
fast_pointwise_source = best("1.12", fast_pointwise_source)
fast_writer = own_kernels.fast_writer(fast_pointwise_source, fold_zero_point)
quick = own_kernels.deploy_with(chip, fast_writer)
equal = (quick.run(val_codes[:proved]) == val_want[:proved]).all(axis=1)
after = quick.profile(val_codes[0])
print(f"{equal.sum()} of {len(equal)} clips equal on {quick.program.core.title}")
print(f"{before.instructions:,} instructions before, {after.instructions:,} after")

# %% tags=["nbval-ignore-output"]
pointwise_of = {
    when: next(n for name, n in each.by_function.items() if name.startswith("pointwise"))
    for when, each in {"before": before, "after": after}.items()
}
gain = pointwise_of["before"] / pointwise_of["after"]
whole_gain = before.instructions / after.instructions
print(f"pointwise layers: {gain:.2f} times fewer; the whole program: {whole_gain:.2f} times")
show_prediction("pointwise_gain", records.counted(gain), guess=guessed_pointwise_gain)

# %% [markdown]
# The whole gains less than its part. That is Amdahl's law: whatever the pointwise layers gain, the
# depthwise layers and the first convolution stay as they are, and by now take a larger share. So
# the next profile names another hot function. Here are the instructions of both programs by class:

# %% tags=["nbval-ignore-output"]
classes = dict.fromkeys([*before.by_class, *after.by_class])
both = {"before": before, "after": after}
tables.Table(
    [
        {"class": name} | {when: each.by_class.get(name, 0) for when, each in both.items()}
        for name in classes
    ]
)

# %% [markdown]
# **The ladder.** The generator of the lab goes on from there. Each of its stages keeps what the one
# before it did and adds an idea; each is compiled, counted, and held against NumPy. Open the files
# in `labs/mcu_compression/c_code`: what you wrote is there for every kind of layer.

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression.c_code.code import CodeError
from labs.mcu_compression.c_code.stages import STAGES

ladder = {stage: bench.deploy(chip, stage) for stage in STAGES}
rungs = {stage: deployed.profile(val_codes[0]) for stage, deployed in ladder.items()}
tables.Table(
    [
        {
            "stage": stage,
            "what is new": STAGES[stage].title,
            "instructions": rungs[stage].instructions,
            "flash [B]": deployed.flash_bytes,
            "activations [B]": deployed.arena_bytes,
            "clips equal, of 20": int((deployed.run(val_codes[:20]) == val_want[:20]).all(1).sum()),
        }
        for stage, deployed in ladder.items()
    ]
)

# %% [markdown]
# **What does each step bring?** A stage is a list of *passes*, each of which makes a new network
# with less to do, and a *writer* of kernels. FastInference keeps the two apart for a reason: a pass
# can be left out, and the rest still works. Where the kernels count on a pass, the generator
# refuses. Here are two stages, without one of their passes at a time.

# %% tags=["nbval-ignore-output"]
last, rows = list(STAGES)[-1], []
for stage in ("layout", last):
    for name in ("nothing", *STAGES[stage].switches):
        try:
            without = () if name == "nothing" else (name,)
            deployed = bench.deploy(chip, stage, without=without)
            row = {"stage": stage, "without": name}
            row["instructions"] = deployed.profile(val_codes[0]).instructions
            row |= {"flash [B]": deployed.flash_bytes, "activations [B]": deployed.arena_bytes}
            rows.append(row)
        except CodeError as err:
            print(err)
tables.Table(rows)

# %% [markdown]
# **Reflect.** Which stage saves instructions, which saves memory, and does any cost flash? Look at
# your profile by class: which class shrank most, and which instructions did not exist before? Your
# fast text also compiles for the M0+, where the four functions are plain C: would it be faster
# there than your text of 1.11? Say what you expect, then give `core="m0plus"` to `deploy_with` and
# look.

# %% [markdown]
# **Where it went.** The same ladder as a picture. Each bar is one clip, cut by kind of layer; the
# number is exact and lacks only the few instructions that call the layers. The interval below a bar
# is an estimate of the cycles, with memory that never waits. The diamonds were measured by others
# on a board with this core, whose flash makes it wait: they belong beside the intervals, but nobody
# has won a race that was run on two tracks.

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import chip_pictures
from labs.shared import published

by_layer = {stage: each.profile_by_layer(val_codes[0]) for stage, each in ladder.items()}
first_rung, *_, last_rung = (sum(counts.values()) for counts in by_layer.values())
figure, axes = plots.new_figure(data="Cortex-M4, emulated; diamonds: published", wide=True)
drawn = chip_pictures.stage_ladder(
    axes,
    {stage: chip_pictures.by_kind(chip, counts) for stage, counts in by_layer.items()},
    cycles={stage: rung.cycles for stage, rung in rungs.items()},
    published=[each for each in published.PUBLISHED if each.board_key == "stm32l4r5"],
    title=f"{first_rung:,} instructions become {last_rung:,}: emulated, no wait states",
)
plots.show(figure, alt=chip_pictures.stage_ladder_alt(drawn))

# %% [markdown]
# Is the layer with the most MACs the one that takes the longest? In plain loops it is not. What
# counts is how often a MAC comes with company: an index, a bound that is checked, an operand that
# is loaded again. To the right stand the MACs of each layer and the instructions that each of them
# takes.

# %% tags=["nbval-ignore-output"]
for stage in (next(iter(ladder)), last):
    counts = by_layer[stage]
    most = max(counts, key=counts.get)
    title = f"{stage}: {most} takes {counts[most] / sum(counts.values()):.0%} of the instructions"
    figure, axes = plots.new_figure(data=f"Cortex-M4, emulated; stage {stage}", wide=True)
    drawn = chip_pictures.layer_profile(axes, chip, instructions=counts, title=title)
    display(plots.show(figure, alt=f"{title}. {chip_pictures.layer_profile_alt(drawn)}"))

# %% [markdown]
# The first convolution has one input channel and a border of padding: a plain loop checks for every
# single MAC whether it falls outside. So do the depthwise layers, at a fraction of the price. Why?
# All four call one function with the same sizes, and the compiler puts them in as constants, as you
# did in 1.11. `convolution` is called with two sets of sizes and must look them up. In your own
# program the first layer is its only caller: compare its bar in your profile above.

# %% [markdown]
# **Look around.** In a running notebook, choose a stage, a core and a view. Each choice is
# generated, compiled and emulated for you; counts are exact. Where do loads and stores go when a
# tile of sums stays in registers? What does the M0+ do with a multiplication of 64 bits? And what
# happens if you ask an M3 for SMLAD?

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression.profile_explorer import ProfileExplorer

ProfileExplorer(chip, val_codes[0], stage=last)

# %% [markdown]
# **Memory over time.** A chip has no heap: the generator decides before compiling which activation
# lies where, while which layer runs. A layer that reads one tensor and writes another needs both at
# once. One that is done with a place before it writes there needs one: it works *in place*.

# %% tags=["nbval-ignore-output"]
for stage in (next(iter(ladder)), last):
    source = ladder[stage].source
    title = f"{stage}: an arena of {source.plan.arena_bytes:,} B"
    figure, axes = plots.new_figure(data=f"{chip.name}, stage {stage}", wide=True)
    drawn = chip_pictures.memory_map(axes, source.network, plan=source.plan, title=title)
    display(plots.show(figure, alt=chip_pictures.memory_map_alt(drawn, source.plan)))

# %% [markdown]
# Read a column from bottom to top: that is what RAM holds while the layer runs. The scratch on top
# holds codes in the form in which the kernels multiply them; who works in place also keeps there
# what is about to be overwritten. Input and output have arrays of their own: 490 and 12 bytes.

# %% [markdown]
# ## 13. Three boards
#
# A product is more than a fast kernel. Code and weights must find room in the flash, activations
# and stack in the RAM. An answer must be there before the next one is due: the lamp of section 8
# looks every 100 ms, so that is its **deadline**. And a battery must last. Here are three boards.
# The powers are ranges from data sheets or, where none was found, wide beliefs. Their sources are
# in `labs/shared/boards.py`.

# %%
from labs.mcu_compression import board_explorer, board_pictures, energy_split, rollout
from labs.shared import boards, published
from labs.shared.batteries import BATTERIES

three = {key: boards.BOARDS[key] for key in ("nrf52840", "rp2040", "stm32l053")}
tables.Table(rollout.board_rows(list(three.values())))

# %% [markdown]
# **Predict.** On how many of the three does the network find room *and* answer within 100 ms? Only
# the first has the SIMD instructions of exercise 1.12. And for how many days do two AA cells feed
# the first board, if it answers ten times a second and sleeps between?

# %%
guessed_boards = None  # 0 to 3
guessed_days = None  # days

# %% [markdown]
# **By hand.** 4.8 to 5.2 million cycles at 64 MHz (64 million cycles a second) take 75 to 81.25 ms.
#
# Now a board that takes 50 to 100 ms for an answer and gives five a second. It is busy for a share
# of 5 * 0.05 = 0.25 to 5 * 0.1 = 0.5 of the time. Computing takes 10 to 20 mW, sleeping 1 to 2 mW.
# At best the mean power is 0.25 * 10 + 0.75 * 1 = 3.25 mW, at worst 0.5 * 20 + 0.5 * 2 = 11 mW. A
# battery with 950.4 to 2,808 J then lasts 950.4 / 0.011 = 86,400 s, one day, to 2,808 / 0.00325 =
# 864,000 s, ten days.

# %% [markdown]
# Such a calculation with ranges is called interval arithmetic, and it has one trap. Both shares are
# made of the same latency and add up to 1. Who pairs the longest time awake with the longest time
# asleep has a day of more than 24 hours.

# %% [markdown]
# ### Exercise 1.13: fit, deadline, battery (6 points, 25 minutes)
#
# Write three functions, about 12 lines in all. `short_of(needs, has)` takes two dicts from names of
# memories to bytes and returns a dict:
#
# - Each memory that is too small has an entry: how many bytes are missing.
# - A memory that is just large enough has none.
#
# `latency_ms(cycles, clock_hz)` takes `(fewest, most)` cycles and the cycles a second; it returns
# `(shortest, longest)`.
#
# - Both ends are cycles / clock_hz, in milliseconds.

# %% [markdown]
# `battery_days(energy_j, latency_ms, per_s, active_w, sleep_w)` returns `(fewest, most)` days of
# 86,400 s. All but `per_s`, the answers a second, are ranges `(low, high)`. Sleeping never takes
# more than computing.
#
# - The mean power is active power times busy share plus sleep power times the rest. The busy share
#   is latency times answers a second.
# - The fewest days have the least energy, the longest latency and the highest powers; the most days
#   have the opposite of each.
# - Asked 0 times a second, the board only sleeps.
# - A board whose busy share may exceed 1 cannot keep up: raise a `ValueError`.
# - One that is just busy all the time still keeps up.


# %%
# Exercise 1.13
def short_of(needs, has):
    """Return name -> bytes missing, of the memories that are too small."""
    ### BEGIN SOLUTION
    return {name: size - has[name] for name, size in needs.items() if size > has[name]}
    ### END SOLUTION


def latency_ms(cycles, clock_hz):
    """Return (shortest, longest) in milliseconds."""
    ### BEGIN SOLUTION
    return tuple(1000 * count / clock_hz for count in cycles)
    ### END SOLUTION


def battery_days(energy_j, latency_ms, per_s, active_w, sleep_w):
    """Return (fewest, most) days."""
    ### BEGIN SOLUTION
    busy = [per_s * latency / 1000 for latency in latency_ms]
    if busy[1] > 1:
        raise ValueError(f"busy for up to {busy[1]:.0%} of the time; ask less often")
    powers_w = [a * b + s * (1 - b) for a, b, s in zip(active_w, busy, sleep_w)]
    return energy_j[0] / powers_w[1] / 86_400, energy_j[1] / powers_w[0] / 86_400
    ### END SOLUTION


# %%
show_check("1.13")

# %% [markdown]
# **The real thing.** For each board the network becomes C in the fastest stage that its core can
# run, is compiled, and runs one clip in the emulator. Flash and RAM come from the compiled program,
# the stack from the run. The cycles are an estimate, and one without wait states: flash is slower
# than these processors, so on silicon it takes longer. Your functions judge.

# %% tags=["nbval-ignore-output"]
short_of, latency_ms = best("1.13", short_of), best("1.13", latency_ms)
battery_days = best("1.13", battery_days)
deadline_ms = 100
some_clip = requantization.input_codes(chip, features["val"][:1])[0]
rows, needs, times, good = [], {}, {}, []
for key, board in three.items():
    need = needs[key] = rollout.need_on(chip, board.core, clip=some_clip)
    has = {"flash": board.flash_bytes, "RAM": board.ram_bytes}
    missing = short_of(need.bytes_of, has)
    times[key] = latency_ms(need.cycles, board.clock_hz)
    found = {"missing": missing, "latency_ms": times[key], "deadline_ms": deadline_ms}
    rows.append(rollout.verdict(board, need, **found))
    good += [key] if not missing and times[key][1] <= deadline_ms else []
tables.Table(rows)

# %%
show_prediction("boards", records.counted(len(good)), guess=guessed_boards)

# %% [markdown]
# Each "no" has a reason of its own, and a remedy of its own. RAM that is short asks for fewer
# activations at a time: a narrower network, or layers that write over their input. A missed
# deadline asks for fewer instructions or a faster core, and no memory in the world helps. The
# slowest core here also has the widest interval: a Cortex-M0+ may be built with a multiplier that
# takes one cycle, or 32.

# %% [markdown]
# **Battery.** The first board again. From left to right it answers more often. The band lies
# between the fewest and the most days that your function gives.

# %% tags=["nbval-ignore-output"]
board, busy_ms = three["nrf52840"], times["nrf52840"]
most_per_s = min(10.0, 999 / busy_ms[1])
powers = board.active_power_w, board.sleep_power_w
lives = {
    name: [
        (rate, *battery_days(BATTERIES[name].energy_j, busy_ms, rate, *powers))
        for rate in np.geomspace(0.01, most_per_s, 13).tolist()
    ]
    for name in ("CR2032", "2 x AA")
}
_, fewest, most = lives["2 x AA"][-1]
figure, axes = plots.new_figure(data=f"{board.name}; data sheets and beliefs", wide=True)
title = f"Two AA cells, {most_per_s:.3g} answers a second: {fewest:.0f} to {most:.0f} days"
board_pictures.lifetimes(axes, lives, title=title)
plots.show(figure, alt=f"Battery life against answers a second, both axes log. {title}.")

# %%
days = records.Result((fewest + most) / 2, fewest, most, n=1, kind="modelled")
show_prediction("battery_days", days, guess=guessed_days)

# %% [markdown]
# On the right the line falls with the rate: computing takes all the energy, and twice as fast code
# lasts nearly twice as long. On the left it bends: sleeping takes the energy, and faster code
# changes nothing. The microphone, which is left out here, never sleeps at all. And old age empties
# a battery too: nobody should believe the days at the far left.

# %% [markdown]
# **Others, on silicon.** For one board there are published measurements of this very network:
# NUCLEO-L4R5ZI, with a Cortex-M4 at 120 MHz. They hold wait states and all else; our interval holds
# neither. So the two can be compared in one way only: nothing here says that our code would be
# faster on that board. Whoever has one can find out: `labs.shared.board_main` writes a program
# around our code that reads the board's cycle counter.

# %% tags=["nbval-ignore-output"]
reference = boards.BOARDS["stm32l4r5"]
ours = boards.latency_ms(reference, needs["nrf52840"].cycles)
theirs = {e.stack: e.latency for e in published.PUBLISHED if e.board_key == "stm32l4r5"}
all_known = {f"this lab, {needs['nrf52840'].stage}: emulated, no wait states": ours} | theirs
title = (
    f"Measured: {min(e.value for e in theirs.values()):.0f} ms and more; "
    f"estimated without wait states: {ours.low:.0f} to {ours.high:.0f} ms"
)
figure, axes = plots.new_figure(data=f"{reference.name}; hollow: published by others", wide=True)
counting_pictures.ladder(axes, all_known, x_label="latency of one inference [ms]", title=title)
told = "; ".join(f"{name} {each.describe('latency_ms')}" for name, each in all_known.items())
plots.show(figure, alt=f"Latencies on a log axis: {told}.")

# %% [markdown]
# **Where did the energy go?** Section 1 found that int8 arithmetic explains less than a thousandth
# of what a device takes. Now you can count more of it. Each instruction is fetched, decoded and
# controlled, each load reaches a memory. The same table prices these for a processor of 45 nm; the
# ranges hold that other chips are built otherwise. The parts overlap, and "the rest" takes up all
# errors. It is an order of magnitude, no more.

# %% tags=["nbval-ignore-output"]
need = needs["nrf52840"]
done = energy_split.Work(chip.macs, need.instructions, need.accesses)
device = boards.energy_per_inference_uj(reference, ours)
spent = energy_split.split_uj(done, device)
share = energy_split.share_percent(spent[energy_split.ARITHMETIC], device)
title = f"Arithmetic: {share.low:.2g} to {share.high:.2g} % of what the board takes"
figure, axes = plots.new_figure(data=f"{reference.name}, modelled; table: 45 nm", wide=True)
drawn = energy_split.picture(axes, spent, device=device, title=title)
plots.show(figure, alt=energy_split.alt(drawn))

# %% [markdown]
# **All boards at once.** Code of two widths was measured; between them flash, RAM and time are
# modelled. Filled marks: there is room for it. In a running notebook, move the sliders. Fewer bits
# and zeros save flash alone, as weights are unpacked before they are used, and unpacking is not
# counted. For M7 and M33 no table of cycles is public, so no latency is given rather than a guess.

# %% tags=["nbval-ignore-output"]
import functools

half_width = quantization.quantize_network(networks.ds_cnn(width=0.5), calibration, weight_bits=8)
measured = rollout.measure(
    {0.5: integer_network(half_width, name="half width"), 1.0: chip},
    [board.core for board in boards.BOARDS.values()],
    clip=some_clip,
)
board_explorer.BoardExplorer(functools.partial(rollout.footprint_on, measured), "DS-CNN")

# %% [markdown]
# **Reflect.** Which slider gets the network onto the smallest board, and which only seems to? Your
# lamp must last a year on two AA cells: how often may it answer, by your picture? What could listen
# in between for less power, and what would it have to be sure of? And which number in this section
# would you measure first, if you had one board for one afternoon?

# %% [markdown]
# ## 14. Five levers
#
# FastInference sorts what makes inference cheap by *when* it is done: before training (another kind
# of network), during it, after it, in the code, and by the platform. You have met all five. Now
# each is pulled alone, from one start: the bundled network in 8 bits, in plain loops, on a
# NUCLEO-L4R5ZI. At the end two of them are pulled together.
#
# **Predict.** How many times fewer instructions does fast code take than plain loops? And fast code
# for the network that lost the share `sparsity` of its channels: how many times fewer than the
# start?

# %%
guessed_code_saving = None  # times fewer instructions
guessed_together = None  # times fewer instructions

# %% [markdown]
# **Before training** somebody chooses the kind of weights. In XNOR-Net and its relatives a weight
# is -1 or 1, times one scale a channel, and the gradient passes through the sign as it passed
# through rounding in 1.6. Here the pointwise layers, which hold most weights, are trained so. If
# their inputs are signs as well, a product is one XNOR, and a word holds 32 of them.

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import binary, binary_bench

answered = lesson, torch.softmax(training.logits(bundled, lesson), 1)
few_bits_of = {"8 bit": small["bundled"]["8 bit"]}
for kind, activations, share in (("1 bit", "int8", 6), ("1 bit, signs", "sign", 3)):
    passes_of = training.Settings(
        epochs=max(1, epochs // share), batch=batch, learning_rate=3e-3, seed=seed
    )
    taught = binary.train(
        bundled, answered, weights="binary", activations=activations, settings=passes_of
    )
    few_bits_of[kind] = binary.quantize(taught, calibration)
with_few = comparison.judge(
    few_bits_of, bundled, clips=clips["val"], features=features["val"], rng=rng
)
bytes_with = {name: network.size_bytes for name, network in few_bits_of.items()}
bytes_with["float32"] = sizes["bundled"]["float32"]
display(comparison.table({"bundled": with_few}, {"bundled": bytes_with}))
tables.Table(binary_bench.compare(few_bits_of))

# %% [markdown]
# The instructions are those of the four pointwise layers alone, on a Cortex-M4, each in the best
# kernel that the lab has for it. So one bit saves flash; whether it saves instructions depends on
# who unpacks it. Signs on both sides save most instructions, and cost most accuracy. A processor
# with an instruction that counts bits would change the picture, and the M4 has none.

# %% [markdown]
# Now the levers. Each version is judged on the validation clips by its own C code, compiled for
# this machine. On how many clips the emulated core gave the very same codes, the last column says.
# What was trained on met the training clips again, as in section 9.

# %% tags=["nbval-ignore-output"]
from labs.mcu_compression import levers, packed_weights

examined = levers.Examination(clips["val"], features["val"], hits_bundled, seed=seed)
lassoed = quantization.quantize_network(vanished, calibration, weight_bits=8)
chip_of = {
    "all channels": chip,
    "1 bit": integer_network(few_bits_of["1 bit"], name="1 bit"),
    "group lasso": integer_network(lassoed, name="group lasso"),
    "fewer channels": integer_network(made["8 bit slim"], name="8 bit slim"),
}
packed = own_kernels.deploy_with(chip_of["1 bit"], packed_weights.write)
pulled_by = {
    levers.START: ("plain loops", bench.deploy(chip, "naive"), "stm32l4r5"),
    "before training": ("1 bit, packed", packed, "stm32l4r5"),
    "during training": ("lasso", bench.deploy(chip_of["group lasso"], "naive"), "stm32l4r5"),
    "after training": ("slim", bench.deploy(chip_of["fewer channels"], "naive"), "stm32l4r5"),
    "code": ("fast code", bench.deploy(chip, "fast"), "stm32l4r5"),
    "platform": ("nRF52840", bench.deploy(chip, "naive"), "nrf52840"),
    "two together": ("slim and fast", bench.deploy(chip_of["fewer channels"], "fast"), "nrf52840"),
}

# %% tags=["nbval-ignore-output"]
pulled = {
    lever: levers.measure(
        deployed, examined, lever=lever, name=name, board=boards.BOARDS[board_key]
    )
    for lever, (name, deployed, board_key) in pulled_by.items()
}
levers.table(list(pulled.values()))

# %% [markdown]
# Read the columns one at a time. Instructions, flash and RAM are exact. The accuracies have
# intervals over speakers, and the losses are paired. Latency and energy are modelled from the
# cycles and the power of the board. How much did each lever save?

# %%
fewer = {
    lever: pulled[levers.START].instructions / each.instructions for lever, each in pulled.items()
}
for lever, times_fewer in fewer.items():
    print(f"{lever}: {times_fewer:.2f} times fewer instructions")
in_loops = bench.deploy(chip_of["1 bit"], "naive").profile(examined.codes(chip_of["1 bit"])[0])
print(f"1 bit, not packed, in plain loops: {in_loops.instructions:,} instructions")
code_saving, together = (records.counted(fewer[each]) for each in ("code", "two together"))
display(show_prediction("code_saving", code_saving, guess=guessed_code_saving))
show_prediction("together_saving", together, guess=guessed_together)

# %% [markdown]
# Look twice at the lever before training. Packed bits need a kernel of their own, and that one has
# SMLAD; `convolution` has a single caller left, so the compiler puts in its sizes. Both are code.
# In plain loops one bit saves no instructions, as the line `not packed` shows. What it saves by
# itself is flash.
#
# The platform changes no instruction: it asks for less power and takes its time. What does the last
# row mean for the lamp, ten answers a second, two AA cells?

# %% tags=["nbval-ignore-output"]
final = pulled["two together"]
fewest, most = battery_days(
    BATTERIES["2 x AA"].energy_j,
    (final.latency.low, final.latency.high),
    10,
    final.board.active_power_w,
    final.board.sleep_power_w,
)
lasting = records.Result((fewest + most) / 2, fewest, most, n=1, kind="modelled")
print(f"{final.name} on {final.board.name}: {lasting.describe('days')} days")

# %% [markdown]
# And what did it cost? A version is on the front if no other needs fewer instructions and is more
# accurate as well.

# %% tags=["nbval-ignore-output"]
points = levers.points(list(pulled.values()))
best_values = plots.pareto_indices([(count.value, top1.value) for _, count, top1 in points])
front = [points[i][0] for i in best_values]
figure, axes = plots.new_figure(data=f"{dataset}, validation split; emulated", wide=True)
axes.set_xscale("log")
plots.pareto_front(
    axes,
    points,
    x_label="instructions of one inference [1]",
    y_label="accuracy [1]",
    title=f"Of {len(points)} versions, on the front: {', '.join(front)}",
)
plots.show(
    figure, alt=f"Accuracy against instructions of all versions; on the front: {', '.join(front)}."
)

# %% [markdown]
# Accuracy has intervals, instructions have none: they are counted, and the same on every machine.
# But instructions are not the only price. In the table another lever may lead in flash, in RAM or
# in energy, and a front over four prices is no line any more.
#
# **Reflect.** Multiply what the lever after training and the code lever saved alone: do they give
# what both saved together, and if not, what made it more or less? Which levers could a maker still
# pull once ten thousand lamps are sold? And which cost you most hours, for how much?

# %% [markdown]
# ### Exercise 1.14: the deployment memo (8 points, 40 minutes)
#
# Write to the lamp's makers once more, in 170 to 230 words, with your own numbers. Your memo must
#
# - choose network, code and board for the lamp: it answers every 100 ms and runs on two AA cells.
#   Give flash, RAM, latency and days, the modelled ones as intervals,
# - say which number is exact, which is measured and which is modelled, and on how many clips the
#   chip's codes were compared with what,
# - order the five levers by what they saved you, and name one that saved a price other than
#   instructions,
# - say what no emulator can tell you, and how you would find it out on a board.

# %% [markdown]
# #### Exercise 1.14
#
# ### BEGIN SOLUTION
# Take the slim network in fast C on the nRF52840. It takes 13,512 B of flash and 5,304 B of RAM,
# far below what the board has, and answers in 29.2 ms [27.5, 31], within 100 ms to the end of the
# interval. Ten answers a second then last 69.4 [32, 107] days on two AA cells.
#
# Bytes and instructions, 1,289,618 an answer, are exact for this compiler. Accuracy is measured:
# the loss is -0.0111 [-0.0378, 0.0166], no sure loss. Latency and days are modelled. The emulated
# core gave the codes of the NumPy reference on 200 of 200 clips with all channels, and on 8 of 8
# clips with these.
#
# In instructions the code saved most, 8.71 times. One bit before training saved 2.52, but by its
# kernel; fewer channels after training 2.48, the lasso during training 2.41 times; the platform
# saved none. Two together gave 23.2 times, a little more than their product. The platform saved
# energy: 9,578 uJ instead of 21,337 uJ. One bit saved flash, 16,098 B instead of 29,886 B, and cost
# 0.0528 [0.0132, 0.0967] of the accuracy.
#
# An emulator knows no wait states of flash, no microphone and no front end. So I would run the
# generated main on the board, read its cycle counter, and put a current probe into the supply
# while it listens in a real room.
# ### END SOLUTION

# %% [markdown]
# ## 15. Speak to your chip
#
# No points, no deadline: this is what the rest was for. Your C runs on an emulated Cortex-M4 and
# listens. In a running notebook, press the button, allow the microphone, and say one of *down, go,
# left, no, off, on, right, stop, up, yes*. Or upload a sound file. As long as you do neither, the
# chip hears a clip of the data set.
#
# What you say goes to the machine that runs this notebook, and no further. No output holds the
# sound, the player included. The pictures show what became of it, so `lab submit` leaves out all
# outputs of this section.

# %% tags=["private", "nbval-ignore-output"]
from labs.mcu_compression import sounds, speak

spoken = int((clips["val"].labels == keywords.CLASSES.index("yes")).nonzero()[0, 0])
listener = speak.Listener(quick, sounds.from_clip(clips["val"], spoken), smooth)
listener

# %% [markdown]
# **Read it.** The upper picture is your second on its way: samples, mel bands, and the numbers that
# are left. The lower one is three seconds of a quiet room with your word in the middle. Every
# 100 ms the last second becomes 49 x 10 codes and goes to the chip; its answers, smoothed by your
# function from 1.8, are the lines. Each blue bar is the time that the chip would compute at the
# clock of the board: estimated, without wait states, dark for the lower end of the interval and
# light up to the upper. Where the bars touch, the chip does not keep up.

# %% [markdown]
# Does your program keep up? Only the pointwise layers are yours, all others are plain loops. Here
# the last stage of the ladder hears the same sound. To see it at work with your voice, write
# `ladder[last]` instead of `quick` above. Or give it `own_chip`: the network that you trained.

# %% tags=["private", "nbval-ignore-output"]
from labs.mcu_compression import hearing

for name, program in {"your kernels": quick, f"stage {last}": ladder[last]}.items():
    heard_here = hearing.listen(program, listener.sound, smooth=smooth)
    print(f"{name}: {heard_here.said}; {heard_here.load}")

# %% [markdown]
# Try to fool it. Whisper; say *bow* for *go*; say *yes* in another language; let somebody else
# speak. The network learned from the voices of a data set, and yours may be none of them. That the
# chip answers as the reference does is proven, code for code. That the answer is right is another
# matter, and no proof about C will help.
#
# **Where int8 and float32 part.** The network on the chip is a rounded copy of the float32 network.
# For most sounds both give one answer. How little noise does it take until they do not? The search
# takes your sound and, of 120 validation clips, the ten of which float32 is least sure.

# %% tags=["private", "nbval-ignore-output"]
from labs.mcu_compression import disagreement, speak_pictures

sure = np.sort(detection.posteriors(bundled, features["val"][:120]), axis=1)
unsure = np.argsort(sure[:, -1] - sure[:, -2], kind="stable")[:10]
tried = torch.cat([clips["val"].samples[unsure], listener.sound.samples[None]])
hiss = disagreement.noises(len(tried), seed=seed)
pair = {
    "int8": lambda x: hearing.chip_posteriors(ladder[last], x),
    "float32": lambda x: detection.posteriors(bundled, x),
}
partings = disagreement.smallest_disagreement(tried, hiss, **pair)
parted = [each for each in partings if each.differed is not None]
print(f"{len(parted)} of {len(partings)} sounds part them, up to half the sound's own peak")
for each in parted:
    print(each)

# %% [markdown]
# Clips are numbered from 0; the ten from the data set come first, number 10 is the sound from
# above. Where it is missing, nothing that was tried parted the two. "Smallest" is a big word. Each
# sound met a single draw of noise, and the search looked at some levels and halved the interval
# between the last that agrees and the first that does not. Both ends are facts. Another draw may
# need less, and so may a level between two at which they agree. Noise made on purpose would need
# far less than any draw.

# %% tags=["private", "nbval-ignore-output"]
if parted:
    closest = min(parted, key=lambda each: (each.differed == 0, each.differed))
    curve = disagreement.curve_of(closest, tried, noise=hiss, **pair)
    is_above = closest.clip == len(tried) - 1
    data = listener.sound.name if is_above else f"{dataset}, validation split"
    figure, axes = plots.new_figure(data=data, wide=True)
    drawn = speak_pictures.parting(axes, curve, title=str(closest))
    display(plots.show(figure, alt=f"Scores of both networks as noise grows. {closest}"))

# %% [markdown]
# Look at the lines, not only at the place where they part. There both networks waver between two
# words: rounding decides only what was nearly undecided. A product would ask a second time, or keep
# silent. Does a threshold, as in section 8, turn such a disagreement into the same answer, silence?

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

# %% [markdown]
# Last, what the chip computes and takes. Counts are exact for this compiler and repeat on every
# machine; cycles, latency and energy are modelled, and their intervals say so.

# %% tags=["nbval-ignore-output"]
on_chip = {"": bench.deploy(own_chip, "fast"), "bundled_": bench.deploy(chip, "fast")}
chip_numbers = {}
for who, deployed in on_chip.items():
    codes = examined.codes(deployed.source.network)[:proved]
    equal = (deployed.run(codes) == deployed.source.network.run(codes)).all(1)
    counted_once = deployed.profile(codes[0])
    shares = {"value": float(equal.mean()), "low": float(equal.mean()), "high": float(equal.mean())}
    chip_numbers |= {
        f"{who}m4_instructions": records.counted(counted_once.instructions),
        f"{who}flash_bytes": records.counted(deployed.flash_bytes),
        f"{who}arena_bytes": records.counted(deployed.arena_bytes),
        f"{who}exact_share": records.Result(**shares, n=len(equal), kind="counted"),
    }

# %% tags=["nbval-ignore-output"]
own_counted = on_chip[""].profile(examined.codes(own_chip)[0])
plain_count = bench.deploy(own_chip, "naive").profile(examined.codes(own_chip)[0]).instructions
closing = levers.Examination(clips["test"], features["test"], bundled_test["float32"].right)
chip_top1, _ = closing.judged(closing.right(chip))
chip_numbers |= {
    "naive_m4_instructions": records.counted(plain_count),
    "m4_cycles": levers.cycles_result(own_counted.cycles),
    "bundled_chip_top1": chip_top1,
    "bundled_m4_latency_ms": pulled["code"].latency,
    "bundled_m4_energy_uj": pulled["code"].energy,
}

# %% [markdown]
# Now everything is there. One call shows it, and hands it on to whoever started this notebook.

# %% tags=["nbval-ignore-output"]
records.show_results(
    data=dataset,
    **chip_numbers,
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
