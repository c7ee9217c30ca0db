# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Model management: saving many models
#
# **Time** about 2 hours. **Hardware** any laptop with 2 cores, 2 GB of memory and 1 GB of free
# disk; no GPU, no network. **Data** the 1,797 handwritten digits that come with scikit-learn.
#
# Whoever trains one model soon has a thousand: one a customer, one a car, one a night. You write
# the parts of a store that keeps all of them, gives each back bit by bit, and does not store the
# same weights a thousand times. Every saver pays somewhere, and you measure where.

# %% [markdown]
# ## Goals
#
# After this notebook you can
#
# - tell by hashes alone, and by few of them, which layers of two models differ,
# - save a model as a snapshot, as an update or as a recipe, and predict what each one takes,
# - say what a training depends on, down to the last bit, and prove that a replay is the same,
# - drop what nobody needs without dropping what somebody does, and survive a crash meanwhile,
# - choose a saver for a use, with times and their intervals.

# %% [markdown]
# ## Parameters
#
# Every result follows from these values. From a terminal, for instance, a longer chain:
# `lab run model_management -p chain 16 -o long.ipynb`.

# %% tags=["parameters"]
seed = 0  # start of all random weights and orders
repeats = 7  # timed repeats of each measurement, at least 5
chain = 8  # models of a chain, each an update of the one before
every = 4  # distance of the snapshots in the capped chain [models]
set_size = 100  # small models of a set
share = 0.1  # of the models of a set that an update changes
crashes = 3  # processes that are killed while they save

# %% [markdown]
# ## Background
#
# MMlib (Strassenburg and others, EDBT 2022) compares three savers. A **snapshot** holds every
# tensor. An **update** holds the layers that differ from those of a base. A **recipe**
# (provenance) holds no weights at all, only what it takes to train them again from the base. Their
# costs form a triangle: time to save, time to recover, storage. No saver wins all three.
#
# Here a model is its **state**: a dictionary from the name of a tensor to a NumPy array. The
# **layer** of a tensor is its name up to the last dot: `fc` has `fc.weight` and `fc.bias`.

# %%
import hashlib
import math
import tempfile
from pathlib import Path

import numpy as np
import torch

from course_utils import plots, records
from labs.engine.notebook import best, show_check, show_prediction
from labs.engine.student import callback
from labs.seminar.model_management import crashes as killing
from labs.seminar.model_management import (
    limits,
    lost,
    measuring,
    networks,
    sets,
    states,
    training,
)
from labs.seminar.model_management.errors import ModelStoreError
from labs.seminar.model_management.plan_explorer import SnapshotPlans
from labs.seminar.model_management.store import ModelStore
from labs.shared.tables import Table

# %%
limits.check(repeats=repeats, chain=chain, every=every, set_size=set_size, share=share)
limits.check(crashes=crashes, seed=seed)
torch.set_num_threads(1)  # a recipe says how many; outside of it one is enough
scratch = tempfile.TemporaryDirectory()
folder = Path(scratch.name)

# %% [markdown]
# ## 1. Is it the same tensor?
#
# To find out whether two models share a layer one could load both and compare every number. A
# store compares hashes: 64 characters a layer, computed once when a model is saved. Equal
# hashes mean equal bits, as far as anybody knows how to tell; and whoever has only the hash cannot
# be fooled by a damaged file.
#
# **By hand.** The numbers 1 and 2 as `uint8` are the bytes `01 02`. So are one `uint16` with the
# value 513, and two rows of one. The bytes alone do not tell them apart: type and shape belong
# into the hash.

# %%
print(np.array([1, 2], np.uint8).tobytes(), np.array([513], "<u2").tobytes())

# %% [markdown]
# ### Exercise 5.1: the hash of a tensor and of a layer (4 points, 10 minutes)
#
# Write `tensor_hash(array)` and `layer_hash(tensors)`, both return 64 hexadecimal digits. About 4
# lines each; `hashlib` is allowed.
#
# - A tensor's hash is the SHA-256 of a line and the bytes of its elements.
# - The line is the name of the type, a blank, the sides joined by `x`, and a newline: `float32
#   2x3`, or `int64` and a blank for a single number.
# - The bytes follow in C order, little-endian, however the array lies in memory.
# - A layer's hash is that of the lines `name hash`, sorted by name, each with a newline.
#
# `array.dtype.newbyteorder("<")` is the little-endian type; `array.dtype.name` names no order.


# %%
# Exercise 5.1
def tensor_hash(array):
    """Return the hash of an array of any shape."""
    ### BEGIN SOLUTION
    shape = "x".join(str(side) for side in array.shape)
    line = f"{array.dtype.name} {shape}\n".encode()
    little = array.astype(array.dtype.newbyteorder("<"))
    return hashlib.sha256(line + little.tobytes()).hexdigest()
    ### END SOLUTION


def layer_hash(tensors):
    """Return the hash of a layer: a dictionary from names to arrays."""
    ### BEGIN SOLUTION
    text = "".join(f"{name} {tensor_hash(tensors[name])}\n" for name in sorted(tensors))
    return hashlib.sha256(text.encode()).hexdigest()
    ### END SOLUTION


# %%
show_check("5.1")

# %% [markdown]
# **The real thing.** A ResNet-18 with random weights, and the same one with a new last layer. Your
# functions hash both, layer by layer.
#
# **Predict.** How many milliseconds does it take to hash a ResNet-18, 46.8 MB?

# %%
guessed_hash_ms = None  # milliseconds

# %% tags=["nbval-ignore-output"]
tensor_hash = best("5.1", tensor_hash)
layer_hash = best("5.1", layer_hash)
model = networks.build("resnet18", seed=seed)
resnet = states.state_of(model)
relearned = states.state_of(networks.new_head(model, "resnet18", seed=seed))
hashed = {}
for name, state in (("old", resnet), ("new", relearned)):
    hashed[name] = {layer: layer_hash(t) for layer, t in states.layers_of(state).items()}
hash_ms = measuring.timed(
    lambda _: [layer_hash(tensors) for tensors in states.layers_of(resnet).values()],
    repeats=repeats,
)
show_prediction("hash_ms", measuring.median(hash_ms), guess=guessed_hash_ms)

# %% [markdown]
# Now the two lists of hashes side by side. No number of either model is compared here, and neither
# model has to be in memory any more.

# %%
different = [layer for layer in hashed["old"] if hashed["old"][layer] != hashed["new"][layer]]
print(f"{len(hashed['old'])} layers, of which differ: {', '.join(different)}")

# %% [markdown]
# ## 2. Which layers changed?
#
# The other model's hashes may be far away, in a car or with a customer, and each one asked for
# takes a message. A Merkle tree joins hashes in pairs up to one root. Equal roots: the models are
# equal, with one hash asked for. Different roots: go down, only where children differ.

# %% [markdown]
# **By hand.** Five leaves a b c d e: the first level above has ab, cd and e (no partner, goes up
# as it is), then abcd and e, then the root. If d changed: ask for the root, abcd and e, ab and cd,
# c and d. Seven questions; with five leaves one could have asked for all five. The tree pays off
# when there are many leaves and few changes.
#
# **Predict.** The last layer of a ResNet-50 changed; it has 107 with tensors. How many hashes
# have to be asked for?

# %%
guessed_asked = None  # a whole number

# %% [markdown]
# ### Exercise 5.2: a tree of hashes (6 points, 18 minutes)
#
# Write `merkle_levels(leaves)`, a list of lists of hashes, and `changed_leaves(levels, ask)`,
# where `levels` is the tree here and `ask(level, index)` fetches one hash of the other tree, which
# has as many leaves. About 8 and 6 lines.
#
# - The levels go from the leaves to the root; a single leaf is its own root.
# - A parent is the SHA-256, in hexadecimal, of its two children's texts, the left one first.
# - A last hash without a partner goes up unchanged.
# - `changed_leaves` returns the indices of the leaves that differ, in ascending order.
# - It asks for the root, then only for children of nodes that differ, and for no node twice.


# %%
# Exercise 5.2
def merkle_levels(leaves):
    """Return the levels of the tree, the first are the leaves, the last is [root]."""
    ### BEGIN SOLUTION
    if len(leaves) == 1:
        return [list(leaves)]
    above = []
    for left in range(0, len(leaves), 2):
        pair = leaves[left : left + 2]
        if len(pair) == 2:
            pair = [hashlib.sha256("".join(pair).encode()).hexdigest()]
        above += pair
    return [list(leaves), *merkle_levels(above)]
    ### END SOLUTION


def changed_leaves(levels, ask):
    """Return the indices of the leaves that differ from the other tree's."""
    ### BEGIN SOLUTION
    nodes = [0]
    for level in reversed(range(len(levels))):
        here = levels[level]
        nodes = [node for node in nodes if ask(level, node) != here[node]]
        if level > 0:
            pairs = [(2 * node, 2 * node + 1) for node in nodes]
            nodes = [child for pair in pairs for child in pair if child < len(levels[level - 1])]
    return nodes
    ### END SOLUTION


# %%
show_check("5.2")

# %% [markdown]
# **The real thing.** A ResNet-50 and the same one with a new last layer. The function `ask` counts
# what it is asked for; beside it the count for changes in other places.

# %%
merkle_levels = best("5.2", merkle_levels)
changed_leaves = best("5.2", changed_leaves)
model = networks.build("resnet50", seed=seed)
leaves = [layer_hash(t) for t in states.layers_of(states.state_of(model)).values()]
theirs, asked = merkle_levels(leaves), {}
for what, touched in (
    ("nothing", []),
    ("the last layer", [len(leaves) - 1]),
    ("the first layer", [0]),
    ("every tenth layer", list(range(0, len(leaves), 10))),
    ("every layer", list(range(len(leaves)))),
):
    mine = [f"new {leaf}" if i in touched else leaf for i, leaf in enumerate(leaves)]
    ask = callback(lambda level, index: theirs[level][index])  # notes its calls
    found = list(changed_leaves(merkle_levels(mine), ask))
    asked[what] = len(ask.calls)
    print(f"{what} of {len(leaves)}: {len(found)} found, {len(ask.calls)} hashes asked for")

# %%
show_prediction("asked", records.counted(asked["the last layer"]), guess=guessed_asked)

# %% [markdown]
# **Reflect.** When does the tree cost more questions than asking for every leaf? The last layer
# needs fewer questions than the first: look at which nodes went up without a partner. A store on
# one disk keeps all leaves beside each other and compares them at once; there the tree gives one
# root, which proves a whole model.

# %% [markdown]
# A warning from practice. You freeze the body of a network and train its head. Which layers
# change? With batch normalisation in training mode, more than you think: its running statistics
# are buffers in the state, and they move although no gradient touches them.

# %%
start = states.state_of(networks.build("digits", seed=seed))
for mode, moves in (("evaluation", False), ("training", True)):
    recipe = training.Recipe(has_statistics=moves, seed=seed)
    after = training.train(start, recipe).state
    layers = {layer: layer_hash(t) for layer, t in states.layers_of(start).items()}
    now = {layer: layer_hash(t) for layer, t in states.layers_of(after).items()}
    moved = [layer for layer in layers if layers[layer] != now[layer]]
    print(f"body in {mode} mode, head trained: {', '.join(moved)} changed")

# %% [markdown]
# ## 3. Updates in a chain
#
# An update names its base and holds what changed. To recover a model one walks from record to
# record back to a snapshot, then forward again, and each update replaces what it brings.
#
# **By hand.** A has x=1, y=2. B is an update of A: y=3. C is an update of B: z=4, and x is gone.
# So C is y=3, z=4, from three records. In the wrong order, A over B over C, it would have y=2, and
# x would be back.
#
# **Predict.** A chain of small updates becomes `chain` models long. By which factor does the time
# to recover the last one grow, against the first?

# %%
guessed_growth = None  # a factor

# %% [markdown]
# ### Exercise 5.3: updates, and a chain of them (6 points, 16 minutes)
#
# Write `update_of(base, state)`, which returns `(changed, removed)`, a dictionary of arrays and a
# list of names, and `recover(name, read)`, which returns a model's state. About 6 lines each. A
# record, what `read(name)` returns, is `{"base": NAME or None, "tensors": {...}, "removed":
# [...]}`.
#
# - A tensor has changed if its type, its shape or any bit of it has, or if the base has none of
#   that name.
# - The removed names are those that the base has and the model has not, sorted.
# - A record's tensors replace those of its base, and the names that it removed are gone.
# - It reads the record of each model of the chain once, and no other.


# %%
# Exercise 5.3
def update_of(base, state):
    """Return the changed tensors by name, and the sorted list of removed names."""

    ### BEGIN SOLUTION
    def bits(array):
        return array.dtype, array.shape, array.tobytes()

    changed = {n: a for n, a in state.items() if n not in base or bits(a) != bits(base[n])}
    return changed, sorted(name for name in base if name not in state)
    ### END SOLUTION


def recover(name, read):
    """Return the tensors of a model by name."""
    ### BEGIN SOLUTION
    record = read(name)
    state = {} if record["base"] is None else recover(record["base"], read)
    for gone in record["removed"]:
        del state[gone]
    state.update(record["tensors"])
    return state
    ### END SOLUTION


# %%
show_check("5.3")

# %% [markdown]
# **The real thing.** `store.py` is such a store on the disk: tensors in safetensors files, named
# by the hash of what they hold, and metadata in SQLite. A model's hash, the root of its tree, is
# checked at each recovery. First your functions on a chain of trained models, then the store's
# times on the same chain. Each link trains the head for one more pass.

# %% tags=["nbval-ignore-output"]
update_of = best("5.3", update_of)
recover = best("5.3", recover)
line, shelf = [start], {"0": {"base": None, "tensors": start, "removed": []}}
for number in range(1, chain):
    line.append(training.train(line[-1], training.Recipe(seed=seed + number)).state)
    changed, removed = update_of(line[-2], line[-1])
    record = {"base": str(number - 1), "tensors": changed, "removed": removed}
    shelf[str(number)] = record
back = recover(str(chain - 1), shelf.get)
stored = sum(states.size_bytes(record["tensors"]) for record in shelf.values())
print("the last model came back bit by bit:", states.is_same(back, line[-1]))
print(f"{stored:,} B of tensors instead of {chain * states.size_bytes(start):,} B")

# %% tags=["nbval-ignore-output"]
with ModelStore(folder / "chain") as store:
    for number, state in enumerate(line):
        store.save_full(f"full {number}", state)
        for kind, distance in (("updates", chain), ("capped", every)):
            if number % distance == 0:
                store.save_full(f"{kind} {number}", state)
            else:
                store.save_update(f"{kind} {number}", state, base=f"{kind} {number - 1}")
    recover_ms = {
        kind: measuring.recover_times(
            store, [f"{kind} {n}" for n in range(chain)], repeats=5 * repeats
        )
        for kind in ("full", "updates", "capped")
    }
growth = measuring.ratio(recover_ms["updates"][-1], recover_ms["updates"][0])
show_prediction("growth", growth, guess=guessed_growth)

# %% [markdown]
# The figure shows the time to recover each model of three chains: all snapshots, one snapshot and
# updates, and updates with a snapshot every few models. Small files show the cost of a step, the
# open, the read and the proof by hash; with large models the bytes count too.

# %% tags=["nbval-ignore-output"]
figure, axes = plots.new_figure(data="digits, models with a new head each", wide=True)
named = {
    "snapshots": recover_ms["full"],
    "updates": recover_ms["updates"],
    f"a snapshot every {every}": recover_ms["capped"],
}
drawn = plots.learning_curve(
    axes,
    {name: list(enumerate(map(measuring.median, t), 1)) for name, t in named.items()},
    x_label="place in the chain [1]",
    y_label="time to recover [ms]",
    title=f"The last of {chain} models takes {growth.value:.1f} times as long as the first",
)
plots.show(figure, alt="Time to recover against the place in a chain, for three ways to save it.")

# %% [markdown]
# **Reflect.** The line of the updates rises by the same step for every model. What is in a step,
# and which part of it would a store save that keeps the newest record of each layer beside the
# model? It pays elsewhere: think of what a save then has to write.

# %% [markdown]
# ## 4. What will it take?
#
# **By hand.** A network has `a.weight` with 6 `float32`, `a.steps`, a single `int64`, and
# `b.weight` with 2 `float32`: 24 + 8 + 8 = 40 bytes. If `b` changed, an update holds 8 of them and
# saves 32 / 40 = 80 %.

# %% [markdown]
# **Predict.** The abstract of the paper says that updates save up to 95.6 % of the storage. A
# ResNet-18 has 11,689,512 parameters, 513,000 of them in its last layer, with 1,000 classes. A
# MobileNetV2 has 3,504,872, of which 1,281,000. Which share does an update with a new last layer
# save?

# %%
guessed_resnet18 = None  # a share from 0 to 1
guessed_mobilenet_v2 = None  # a share from 0 to 1

# %% [markdown]
# ### Exercise 5.4: what a chain takes (4 points, 10 minutes)
#
# Write `update_saving(tensors, changed)` from a list of `(name, type, shape)` and a list of changed
# layers, and `chain_plan(full_bytes, update_bytes, models, every)`, which returns `(total, most)`:
# bytes stored, and the most bytes read to recover one model. About 6 and 3 lines.
#
# - A tensor takes the bytes of its type, such as `"float32"`, times its elements; a single number
#   has the shape `()`.
# - An update holds every tensor of each changed layer, buffers too.
# - The saving is the share of all bytes that the update leaves out.
# - Models 0, `every`, 2 `every` and so on are snapshots, the others updates of the model before.
# - A recovery reads the snapshot that it starts from and every update up to the model.


# %%
# Exercise 5.4
def update_saving(tensors, changed):
    """Return a share from 0 to 1."""
    ### BEGIN SOLUTION
    total = left_out = 0
    for name, kind, shape in tensors:
        size = np.dtype(kind).itemsize * math.prod(shape)
        total += size
        if name.rpartition(".")[0] not in changed:
            left_out += size
    return left_out / total
    ### END SOLUTION


def chain_plan(full_bytes, update_bytes, models, every):
    """Return (bytes stored, most bytes read), two whole numbers."""
    ### BEGIN SOLUTION
    snapshots = math.ceil(models / every)
    total = snapshots * full_bytes + (models - snapshots) * update_bytes
    return total, full_bytes + (min(every, models) - 1) * update_bytes
    ### END SOLUTION


# %%
show_check("5.4")

# %% [markdown]
# **The real thing.** The savings of three networks, first from the sizes of their tensors, then
# from the files that the store wrote. The abstract's 95.6 % is what a ResNet-18 must give. For the
# other two the numbers are worked out here, not taken from the paper.

# %%
update_saving = best("5.4", update_saving)
chain_plan = best("5.4", chain_plan)
saving, disk_saving, rows = {}, {}, []
for name in ("resnet18", "resnet50", "mobilenet_v2"):
    model = networks.build(name, seed=seed)
    old = states.state_of(model)
    shapes = [(tensor, array.dtype.name, array.shape) for tensor, array in old.items()]
    saving[name] = update_saving(shapes, [networks.HEADS[name]])
    with ModelStore(folder / name) as store:
        store.save_full("old", old)
        new = states.state_of(networks.new_head(model, name, seed=seed))
        store.save_update("new", new, base="old")
        sizes = [store.file_bytes(which) for which in ("old", "new")]
    disk_saving[name] = 1 - sizes[1] / sizes[0]
    row = {"network": name, "snapshot [B]": sizes[0], "update [B]": sizes[1]}
    rows += [row | {"by tensors": f"{saving[name]:.1%}", "by files": f"{disk_saving[name]:.1%}"}]
Table(rows)

# %%
show_prediction("saving", records.counted(saving["resnet18"]), guess=guessed_resnet18)

# %% [markdown]
# The same for the MobileNetV2. Whoever counts parameters alone gets 63.5 %: the running statistics
# of its batch normalisation belong to the state too. A file also has a header with the name, type
# and shape of each tensor, which the update mostly leaves out as well.

# %%
parameters_alone = 1 - 1_281_000 / 3_504_872
print(f"parameters alone {parameters_alone:.1%}, with buffers {saving['mobilenet_v2']:.1%}")
show_prediction("saving", records.counted(saving["mobilenet_v2"]), guess=guessed_mobilenet_v2)

# %% [markdown]
# **Reflect.** Why does the smaller network save less? The explorer shows what your `chain_plan`
# says of a chain of ResNet-18s: the first snapshots cost storage and save much reading, and beyond
# some distance there is little left to gain. Nothing in it is measured.

# %%
SnapshotPlans(chain_plan)

# %% [markdown]
# ## 5. Recipes
#
# The third saver stores no weights: the base, the data, and how it was trained. Recovery trains
# again. That is worth nothing unless the same bits come out, and whether they do is no matter of
# belief: the record has the hash of the model.
#
# **By hand.** Four examples, batches of 3, one epoch: an order such as 2 0 3 1 makes the batches
# 2 0 3 and 1. To go on with epoch 1 the generator has to draw the order of epoch 0 first, although
# nobody trains on it: only then is it where it was.

# %% [markdown]
# **Predict.** Of a training that goes on from a model and its optimiser, one thing is lost: the
# seed of the order, the momentum, the running means, the size of a batch, or the number of
# threads. For how many of these five does a replay still give the same bits?

# %%
guessed_harmless = None  # a whole number from 0 to 5

# %% [markdown]
# ### Exercise 5.5: train again, bit by bit (6 points, 18 minutes)
#
# Write `replay(record, step, fingerprint)`, which returns the state at the end. `step(state,
# indices)` trains on some examples and returns the next state (weights, momentum and all);
# `fingerprint(state)` returns a text. The record has the keys `state`, `seed`, `examples`, `batch`,
# `first_epoch`, `epochs` and `hash`. About 10 lines.
#
# - One generator, `np.random.default_rng(record["seed"])`, draws a permutation of `examples` for
#   every epoch, beginning with epoch 0.
# - Epochs before `first_epoch` are drawn and not trained; then come `epochs` that are.
# - A batch holds the next `batch` indices of the order; the last one of an epoch may hold fewer.
# - The first step gets `record["state"]`, each other one what the step before returned.
# - If the fingerprint of the result is not `record["hash"]`, it raises a ValueError.


# %%
# Exercise 5.5
def replay(record, step, fingerprint):
    """Return the state after the training, shown to be the one that was recorded."""
    ### BEGIN SOLUTION
    rng = np.random.default_rng(record["seed"])
    state, size = record["state"], record["batch"]
    for _ in range(record["first_epoch"]):
        rng.permutation(record["examples"])
    for _ in range(record["epochs"]):
        order = rng.permutation(record["examples"])
        for start in range(0, len(order), size):
            state = step(state, order[start : start + size])
    if fingerprint(state) != record["hash"]:
        raise ValueError("the replay gives another model than the one recorded")
    return state
    ### END SOLUTION


# %%
show_check("5.5")

# %% [markdown]
# **The real thing.** A real training in PyTorch that goes on from a model and the momentum of its
# optimiser. It is replayed with everything, then without one thing at a time. Open `training.py`:
# a recipe also names the hash of the digits and the version of PyTorch.

# %% tags=["nbval-ignore-output"]
replay = best("5.5", replay)
whole = training.Recipe(trained=("",), has_statistics=True, epochs=2, seed=seed)
begun = training.train(start, whole)
lossy = lost.losses(begun, whole)
harmless = sum(each.is_same for each in lossy[1:])
print("the full recipe gives the same bits:", lossy[0].is_same)
Table([each.row() for each in lossy])

# %% tags=["nbval-ignore-output"]
show_prediction("harmless", records.counted(harmless), guess=guessed_harmless)

# %% [markdown]
# **Reflect.** With another number of threads the same sums are split otherwise, and float32
# addition rounds otherwise. The largest difference may be no more than the last digit of a number.
# Does that matter to who uses the model? And to who has to prove, a year later, which model
# decided? On some machines two threads do give the same bits: then a recipe without them is right
# by luck.

# %% [markdown]
# ## 6. The triangle, measured
#
# Now all savers on ResNet-18s that were fine-tuned on digits: body frozen, head trained for one
# pass over 64 of them. A fourth saver, `shared`, writes each layer into a file of its own; files
# are named by what they hold, so equal layers of any two models are one file and there is no chain
# at all. The recipe is not replayed when it is saved. Every recovery is compared bit by bit.
#
# **Predict.** Which one is fastest to save? And how many times longer than a snapshot does the
# recipe take to recover?

# %%
guessed_recipe_factor = None  # a factor

# %% tags=["nbval-ignore-output"]
children = []
for number in range(repeats + 1):  # the first is warm-up
    recipe = training.Recipe(
        *("resnet18",), trained=("fc.",), images=64, batch=32, seed=seed + number
    ).complete()
    children.append(measuring.Child(training.train(resnet, recipe).state, recipe))
costs = {}
with ModelStore(folder / "triangle", replay=training.replay) as store:
    store.save_full("base", resnet)
    store.save_shared("layers", resnet)  # the files that `shared` finds there already
    for saver in measuring.SAVERS:
        costs[saver] = measuring.cost(store, saver, base="base", children=children)
del children

# %% [markdown]
# Time to save, time to recover, and bytes of each saver, as medians with their intervals over the
# repeats. The bytes count the files and what the catalogue says of a model.

# %% tags=["nbval-ignore-output"]
names = ("save_ms", "recover_ms", "size_bytes")
told = {saver: zip(names, cost.results()) for saver, cost in costs.items()}
Table([{"saver": saver} | {n: r.describe(n) for n, r in row} for saver, row in told.items()])

# %% tags=["nbval-ignore-output"]
factor = measuring.ratio(costs["recipe"].recover_ms, costs["full"].recover_ms)
show_prediction("factor", factor, guess=guessed_recipe_factor)

# %% [markdown]
# The picture shows two corners of the triangle, storage and recovery; the third, the time to save,
# stands in the lines above. The bytes of `shared` are those of all files that a model names,
# although most were there already: what it really adds is about an update. Times come from this
# machine with files in its page cache; from a cold disk reading costs more.

# %% tags=["nbval-ignore-output"]
figure, axes = plots.new_figure(data="ResNet-18, new head", wide=True)
axes.set_xscale("log")
drawn = plots.pareto_front(
    axes,
    [(saver, *reversed(costs[saver].results()[1:])) for saver in ("full", "update", "recipe")],
    x_label="bytes that a model adds [B]",
    y_label="time to recover [ms]",
    title=f"A recipe is smallest and takes {factor.value:.1f} times a snapshot's time to recover",
    better=("lower", "lower"),
)
plots.show(figure, alt="Time to recover against bytes for snapshot, update and recipe.")

# %% [markdown]
# **Reflect.** This training takes a fraction of a second. What becomes of the recipe's corner with
# a training of ten hours? And with a chain of ten recipes? The paper saves up to 15.8 % of the
# time to save with recipes and up to 51.7 % with updates; compare with yours, and say which parts
# of its setting (a database over a network, the environment saved with each model) differ.

# %% [markdown]
# ## 7. Drop what nobody needs
#
# Models are deleted too, but a deleted base may still be needed by its updates, and one file by
# several models. What is needed is what can be reached from a kept model.
#
# **By hand.** A is a snapshot with file 1, B an update of A with file 2, C an update of A with
# files 2 and 3. B alone is kept. Then A is needed, C is not; file 3 may go, file 2 may not,
# although C named it.

# %% [markdown]
# ### Exercise 5.6: what may be dropped (5 points, 14 minutes)
#
# Write `garbage(models, keep)`, where `models` maps a name to `{"base": NAME or None, "files":
# [...]}` and `keep` is a list of names. It returns two lists. About 10 lines.
#
# - A model is needed if it is kept, or the base of a needed one.
# - It returns the names of all other models, sorted, and the files that only those name, sorted
#   and each once.
# - A needed model that is not in `models` is a ValueError: then nothing may be dropped.


# %%
# Exercise 5.6
def garbage(models, keep):
    """Return (names of models, files) that may be dropped."""
    ### BEGIN SOLUTION
    needed = set()
    for kept in keep:
        name = kept
        while name is not None and name not in needed:
            if name not in models:
                raise ValueError(f"{name} is needed and not there")
            needed.add(name)
            name = models[name]["base"]
    used = {file for name in needed for file in models[name]["files"]}
    others = [name for name in models if name not in needed]
    unused = {file for name in others for file in models[name]["files"]} - used
    return sorted(others), sorted(unused)
    ### END SOLUTION


# %%
show_check("5.6")

# %% [markdown]
# **The real thing.** Your function says what may go from a store in which every second model was
# deleted; then the store collects on its own, with a recursive query. Both must agree, and every
# kept model must come back.

# %%
garbage = best("5.6", garbage)
with ModelStore(folder / "collected") as store:
    for number, state in enumerate(line):
        base = f"model {max(0, number - 2)}"
        if number < 2:
            store.save_full(f"model {number}", state)
        else:
            store.save_update(f"model {number}", state, base=base)
    entries = {name: store.catalog.entry(name) for name in store.catalog.names()}
    family = {n: {"base": e.base, "files": list(e.files)} for n, e in entries.items()}
    for name in [f"model {n}" for n in range(chain) if n % 2 or n == 0]:
        store.delete(name)
    mine = garbage(family, store.catalog.names())
    dropped = store.collect()
    print("models:", sorted(dropped[0]) == list(mine[0]), "files:", dropped[1] == list(mine[1]))
    whole_again = [states.is_same(store.recover(f"model {n}"), line[n]) for n in range(2, chain, 2)]
print(f"{len(dropped[0])} models dropped; {sum(whole_again)} of {len(whole_again)} kept ones whole")

# %% [markdown]
# **Damage and crashes.** A store must also withstand what nobody asked for. First one bit of a file
# is turned: the hash of the file no longer fits its name. Then a process that saves one model
# after another is killed with `kill -9` in the middle of it, several times.

# %%
with ModelStore(folder / "damaged") as store:
    (file,) = store.save_full("model", start).files
    path = store.objects.folder / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    try:
        store.recover("model")
    except ModelStoreError as err:
        print(type(err).__name__, "for one bit of", len(data), "bytes")

# %% tags=["nbval-ignore-output"]
lost_models = 0
for crash in range(crashes):
    ended = killing.kill_while_saving(folder / f"crash {crash}", seed=seed, after=4 + 3 * crash)
    lost_models += ended.told - ended.recovered
    print(f"told {ended.told}, recovered {ended.recovered}, unfinished files {ended.swept}")
print(f"{lost_models} models lost in {crashes} crashes")

# %% [markdown]
# **Reflect.** The store writes a file under another name, calls `fsync`, renames it, syncs the
# folder, and only then commits the row that names it. Which promise breaks if the row is committed
# first? And which if the rename comes before the `fsync`, for a process that is killed, and for a
# machine that loses power?

# %% [markdown]
# ## 8. One hundred small models
#
# A battery pack has a model a cell: 4 small layers each. Saved one by one, names, shapes, files
# and commits outweigh the weights. A set of one architecture can be one matrix, a row a model,
# with names and shapes written once (Strassenburg and others, EDBT 2023).
#
# **Predict.** How many times faster is a set of `set_size` models saved than the same models one
# by one? The paper reports more than 10.

# %%
guessed_speedup = None  # a factor

# %% [markdown]
# ### Exercise 5.7: one hundred models in one file (4 points, 12 minutes)
#
# Write `pack_set(models)`, which returns `(layout, matrix)`, and `unpack_model(layout, matrix,
# index)`, which returns the state of one model. About 8 lines each.
#
# - The layout lists `(name, shape)` of each tensor once, in the order of the first model.
# - Row i of the matrix holds the numbers of model i, tensor after tensor, as float32.
# - Tensors go by their names: another model may list them in another order.
# - A model with other names or shapes than the first is a ValueError.
# - `unpack_model` returns model `index` as it was packed.


# %%
# Exercise 5.7
def pack_set(models):
    """Return the layout, a list, and the matrix (models, parameters), float32."""
    ### BEGIN SOLUTION
    layout = [(name, array.shape) for name, array in models[0].items()]
    for model in models:
        if {name: array.shape for name, array in model.items()} != dict(layout):
            raise ValueError("all models of a set have the same names and shapes")
    rows = [np.concatenate([model[name].ravel() for name, _ in layout]) for model in models]
    return layout, np.stack(rows).astype(np.float32)
    ### END SOLUTION


def unpack_model(layout, matrix, index):
    """Return the state of one model: a dictionary from names to arrays."""
    ### BEGIN SOLUTION
    state, start = {}, 0
    for name, shape in layout:
        size = math.prod(shape)
        state[name] = matrix[index][start : start + size].reshape(shape)
        start += size
    return state
    ### END SOLUTION


# %%
show_check("5.7")

# %% [markdown]
# **The real thing.** The same models one by one and as a set, in the same store, so both pay for
# hashes and `fsync`. Each repeat saves other weights.

# %% tags=["nbval-ignore-output"]
pack_set = best("5.7", pack_set)
unpack_model = best("5.7", unpack_model)
fleets = [sets.related(set_size, seed=seed + number) for number in range(repeats)]
with ModelStore(folder / "set") as store:
    one_by_one_ms = measuring.timed(
        lambda r: [store.save_full(f"{r} {i}", m) for i, m in enumerate(fleets[r])],
        repeats=repeats,
    )
    as_set_ms = measuring.timed(
        lambda r: sets.save_set(store, f"set {r}", models=fleets[r], pack=pack_set), repeats=repeats
    )
    singles = sum(store.file_bytes(f"0 {i}") for i in range(set_size))
    as_set = store.file_bytes("set 0")
    fleet = sets.recover_set(store, "set 0", unpack=unpack_model)
print("the set came back bit by bit:", all(map(states.is_same, fleet, fleets[0])))
print(f"one by one {measuring.median(one_by_one_ms).describe('time_ms')}, {singles:,} B")
print(f"as a set {measuring.median(as_set_ms).describe('time_ms')}, {as_set:,} B")
speedup = measuring.ratio(one_by_one_ms, as_set_ms)
show_prediction("speedup", speedup, guess=guessed_speedup)

# %% [markdown]
# Sets have updates too: some models were trained again, their last layer alone or all of them.
# What changed is a few rows and a few columns of the matrix. The paper reports up to 99 % less
# storage, which depends on how many models change and on how much of each.

# %%
fleet = sets.related(set_size, seed=seed)
before = np.asarray(pack_set(fleet)[1])
set_saving = {}
for whole_model in (False, True):
    for part in sorted({1 / set_size, share, 1.0}):
        trained = sets.retrained(fleet, share=part, seed=seed, whole=whole_model)
        after = np.asarray(pack_set(trained)[1])
        difference = sets.update_of_set(before, after)
        set_saving[whole_model, part] = 1 - states.size_bytes(difference) / before.nbytes
        is_back = np.array_equal(sets.with_update(before, difference), after)
        layers = "all layers" if whole_model else "last layer"
        print(f"{layers} of {len(difference['rows'])} models: ", end="")
        print(f"saves {set_saving[whole_model, part]:.2%}, recovered: {is_back}")

# %% [markdown]
# **Reflect.** A set is read and proved as a whole. What does it cost to recover one model of ten
# thousand from a set, and how would you arrange rows, files and hashes so that it costs less?

# %% [markdown]
# ## 9. Decide
#
# ### Exercise 5.8: which saver for which use? (5 points, 20 minutes)
#
# Three uses ask you for a saver: a service that must load any of 50 fine-tuned ResNet-18s within
# a second; an archive that keeps every night's model for ten years and reads one a year, for an
# audit; and a car maker with a small model a battery cell that saves all of them every hour. Write
# a memo. Name a saver and a distance of snapshots for each, at least three of your own numbers with
# their intervals, one risk of a recipe that you saw, and what you do about it. About 200 words.

# %% [markdown]
# #### Exercise 5.8
#
# ### BEGIN SOLUTION
# The service gets updates of one snapshot, never of each other: an update adds 2,055,754 B instead
# of 46,811,046 B, and recovers in 98.1 ms [97.6, 99.7], a snapshot in 73.3 ms [72.2, 80.2]. That is
# far within a second, so 50 models take about 150 MB instead of 2.3 GB. A chain of updates would
# not do: the last of 8 took 5.37 [5.26, 5.47] times as long as the first.
#
# The archive gets recipes, 3,831 B a night, with a snapshot every 30 models. It reads one model a
# year, so 258 ms [241, 264] of replay a model do not hurt here; with hours of training and 29
# recipes to replay they would, and then I would take updates. The risk I saw: with another number
# of threads 14 tensors differed. So every recipe is replayed before it is trusted, data and
# versions are kept beside it, and the snapshots limit what a lost recipe costs.
#
# The car maker gets sets, an hour a set: 3.16 ms [3.01, 3.67] instead of 142 ms [138, 153] one by
# one. Where few cells changed an update is stored between snapshots every 24 hours; for new last
# layers it saves 99.89%, but for models that are all new it saves nothing.
#
# Bytes are counted and hold anywhere. The times are medians of seven on this machine, from its page
# cache.
# ### END SOLUTION

# %% [markdown]
# ## 10. Hand over the results
#
# One call shows the results and hands them to whoever runs this notebook. Savings and bytes are
# counted; times are medians of this machine with their intervals.

# %%
scratch.cleanup()

# %% tags=["nbval-ignore-output"]
full, update, by_recipe = (costs[saver].results() for saver in ("full", "update", "recipe"))
records.show_results(
    data="digits",
    **{f"saving_{name}": records.counted(value) for name, value in saving.items()},
    disk_saving_resnet18=records.counted(disk_saving["resnet18"]),
    full_save_ms=full[0],
    update_save_ms=update[0],
    recipe_save_ms=by_recipe[0],
    full_recover_ms=full[1],
    update_recover_ms=update[1],
    recipe_recover_ms=by_recipe[1],
    full_bytes=full[2],
    update_bytes=update[2],
    recipe_bytes=by_recipe[2],
    chain_recover_ms=measuring.median(recover_ms["updates"][-1]),
    chain_capped_ms=measuring.median(recover_ms["capped"][-1]),
    set_speedup=speedup,
    set_update_saving=records.counted(set_saving[False, share]),
    lost_models=records.counted(lost_models),
)

# %% [markdown]
# ## Submit
#
# Choose *Run, Restart Kernel and Run All Cells*: each check should say that its open cases pass,
# and no cell should show an error. Save the notebook, then run this in a terminal in the course
# folder: `lab submit model_management`. It says for every exercise whether your answer is found,
# and makes `model_management.zip`, the file to hand in. If you worked in Colab, download the
# notebook first and give its path and link: `lab submit model_management PATH --url LINK`.
