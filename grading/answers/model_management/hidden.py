"""The hidden checks of the model management lab: the same sentences, other inputs."""

import hashlib
import math

import numpy as np

from labs.engine.checks import assert_equal, check, raises
from labs.engine.student import Student, callback
from labs.seminar.model_management.checks import common, hashing, replays

TYPES = ("float32", "float64", "int64", "uint8", "int16", "float16")


def _hash(array: np.ndarray) -> str:
    line = f"{array.dtype.name} {'x'.join(map(str, array.shape))}\n".encode()
    body = b"".join(
        np.array(x, array.dtype.newbyteorder("<")).tobytes() for x in array.ravel().tolist()
    )
    return hashlib.sha256(line + body).hexdigest()


def _array(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(rng.integers(0, 100, shape)).astype(kind)


@check("5.1", sentence="A tensor's hash is the SHA-256 of a line and the bytes of its elements.")
def types_and_shapes(student: Student, rng: np.random.Generator) -> None:
    for sides in (0, 1, 2, 4):
        shape = tuple(int(n) for n in rng.integers(1, 5, sides))
        array = _array(rng, str(rng.choice(TYPES)), shape)
        got = student.tensor_hash(array)
        what = f"the hash of {array.dtype} {shape}: the line, then the bytes"
        assert_equal(got, _hash(array), what=what)


@check(
    "5.1",
    sentence="The bytes follow in C order, little-endian, however the array lies in memory.",
)
def lies_otherwise(student: Student, rng: np.random.Generator) -> None:
    array = _array(rng, "float32", (3, 5))
    turned, big = np.asfortranarray(array), array.astype(">f4")
    assert_equal(student.tensor_hash(turned), _hash(array), what="the hash in Fortran order")
    assert_equal(student.tensor_hash(big), _hash(array), what="the hash of a big-endian array")


@check(
    "5.1",
    sentence="A layer's hash is that of the lines `name hash`, sorted by name, each with a "
    "newline.",
)
def layers(student: Student, rng: np.random.Generator) -> None:
    names = [f"layer.{name}" for name in ("weight", "bias", "running_mean", "steps")]
    tensors = {str(name): _array(rng, "float32", (2, 3)) for name in rng.permutation(names)}
    text = "".join(f"{name} {_hash(tensors[name])}\n" for name in sorted(tensors))
    want = common.sha256(text)
    assert_equal(student.layer_hash(tensors), want, what="the hash of a layer of four tensors")


def _leaves(rng: np.random.Generator, count: int) -> list[str]:
    return [common.sha256(rng.bytes(8)) for _ in range(count)]


@check("5.2", sentence="A last hash without a partner goes up unchanged.")
def any_number_of_leaves(student: Student, rng: np.random.Generator) -> None:
    for count in (1, 2, 3, 6, 7, 8, int(rng.integers(9, 40))):
        leaves = _leaves(rng, count)
        got = [list(level) for level in student.merkle_levels(leaves)]
        assert_equal(len(got), len(hashing.tree_of(leaves)), what=f"levels of {count} leaves")
        assert got == hashing.tree_of(leaves), f"the tree over {count} leaves is another one"


@check(
    "5.2",
    sentence="`changed_leaves` returns the indices of the leaves that differ, in ascending order.",
    weight=2,
)
def some_changes(student: Student, rng: np.random.Generator) -> None:
    for count in (1, 2, 5, 16, int(rng.integers(17, 60))):
        for changes in sorted({0, 1, min(3, count), count}):
            old = _leaves(rng, count)
            touched = sorted(rng.permutation(count)[:changes].tolist())
            new = [common.sha256(leaf) if i in touched else leaf for i, leaf in enumerate(old)]
            found, asked = hashing.watch_questions(student, old=old, new=new)
            what = f"the leaves that differ, {changes} of {count}"
            assert_equal(list(found), touched, what=what)
            hashing.assert_few(asked, old=old, new=new)


@check(
    "5.3",
    sentence="A tensor has changed if its type, its shape or any bit of it has, or if the base has "
    "none of that name.",
)
def other_bits(student: Student, rng: np.random.Generator) -> None:
    values = rng.normal(size=6).astype(np.float32)
    holes = values.copy()
    holes[int(rng.integers(6))] = np.nan
    zeros = np.zeros(4, np.float32)
    last = values.copy()
    last[5] = np.nextafter(last[5], np.float32(9))
    base = {"nan": holes, "zero": zeros, "type": values, "shape": values, "last": values}
    state = {
        "nan": holes.copy(),
        "zero": -zeros,
        "type": values.astype(np.float64),
        "shape": values.reshape(2, 3),
        "last": last,
    }
    changed, _ = student.update_of(base, state)
    assert "nan" not in changed, "a NaN with the same bits has not changed"
    for name, why in (
        ("zero", "0.0 and -0.0 have other bits"),
        ("type", "the type changed from float32 to float64"),
        ("shape", "the shape changed from 6 to 2x3"),
        ("last", "one bit of the last number changed"),
    ):
        assert name in changed, f"a tensor is missing from the update: {why}"
    del state["nan"]
    common.assert_tensors(changed, state, what="the changed tensors")


@check(
    "5.3",
    sentence="The removed names are those that the base has and the model has not, sorted.",
)
def removed_names(student: Student, rng: np.random.Generator) -> None:
    names = [f"layer{i}.weight" for i in rng.permutation(9)]
    one = np.ones(1)
    changed, removed = student.update_of(dict.fromkeys(names, one), {names[0]: one, "new": one})
    assert_equal(list(removed), sorted(names[1:]), what="the removed names")
    assert_equal(sorted(changed), ["new"], what="the changed names")


@check(
    "5.3",
    sentence="A record's tensors replace those of its base, and the names that it removed are "
    "gone.",
)
def random_chains(student: Student, rng: np.random.Generator) -> None:
    shelf, state, base = {}, {}, None
    order = [f"model {i}" for i in rng.permutation(6)]
    for name in order:
        removed = [key for key in state if rng.random() < 0.4]
        keys = [str(k) for k in rng.permutation(["a", "b", "c", "d"]) if k not in removed][:2]
        tensors = {key: rng.normal(size=2) for key in keys}
        state = {k: v for k, v in state.items() if k not in removed} | tensors
        shelf[name] = {"base": base, "tensors": tensors, "removed": removed}
        base = name
    got = student.recover(order[-1], callback(shelf.__getitem__))
    common.assert_tensors(got, state, what="the last model of a chain of 6")


@check("5.3", sentence="It reads the record of each model of the chain once, and no other.")
def records_read(student: Student, rng: np.random.Generator) -> None:
    shelf, length = {}, int(rng.integers(3, 7))
    for i in range(length + 2):
        tensors = {f"t{i}": rng.normal(size=2)}
        base = f"m{i - 1}" if i else None
        shelf[f"m{i}"] = {"base": base, "tensors": tensors, "removed": []}
    read = callback(shelf.__getitem__)
    student.recover(f"m{length - 1}", read)
    asked = [name for (name,) in read.calls]
    assert len(set(asked)) == len(asked), f"reads {len(asked)} records, some of them twice"
    what = "the records that it reads"
    assert_equal(sorted(asked), [f"m{i}" for i in range(length)], what=what)


@check("5.4", sentence="An update holds every tensor of each changed layer, buffers too.", weight=2)
def random_networks(student: Student, rng: np.random.Generator) -> None:
    tensors, layers = [], ["fc", "fc1", "body.fc", "body"]
    for layer in layers:
        for part in ("weight", "bias", "running_mean", "steps"):
            shape = tuple(int(n) for n in rng.integers(1, 6, int(rng.integers(0, 4))))
            tensors.append((f"{layer}.{part}", str(rng.choice(TYPES)), shape))
    sizes = {name: np.dtype(kind).itemsize * math.prod(s) for name, kind, s in tensors}
    for changed in (["fc"], ["body"], ["fc1", "body.fc"]):
        inside = sum(s for n, s in sizes.items() if ".".join(n.split(".")[:-1]) in changed)
        want = 1 - inside / sum(sizes.values())
        got = student.update_saving(tensors, changed)
        # Sums of whole numbers are exact; a division and a difference round twice.
        assert_equal(got, want, what=f"the saving if {changed} changed", relative=1e-12)


@check(
    "5.4",
    sentence='A tensor takes the bytes of its type, such as `"float32"`, times its elements; a '
    "single number has the shape `()`.",
)
def other_widths(student: Student, rng: np.random.Generator) -> None:
    n = int(rng.integers(2, 50))
    tensors = [("a.weight", "float64", (n,)), ("b.weight", "uint8", (n,)), ("b.n", "int64", ())]
    got = student.update_saving(tensors, ["b"])
    what = f"the saving with {n} float64, {n} uint8 and one int64"
    assert_equal(got, 8 * n / (9 * n + 8), what=what, relative=1e-12)


@check(
    "5.4",
    sentence="A recovery reads the snapshot that it starts from and every update up to the model.",
    weight=2,
)
def random_plans(student: Student, rng: np.random.Generator) -> None:
    for _ in range(8):
        full, update = int(rng.integers(100, 1000)), int(rng.integers(1, 99))
        models, every = int(rng.integers(1, 30)), int(rng.integers(1, 12))
        sizes = [full if i % every == 0 else update for i in range(models)]
        most = max(sum(sizes[i - i % every : i + 1]) for i in range(models))
        got = student.chain_plan(full, update, models, every)
        what = f"{models} models with a snapshot every {every}"
        assert_equal(got[0], sum(sizes), what=f"bytes stored, {what}")
        assert_equal(got[1], most, what=f"most bytes read, {what}")


@check(
    "5.5",
    sentence="Epochs before `first_epoch` are drawn and not trained; then come `epochs` that are.",
    weight=2,
)
def goes_on(student: Student, rng: np.random.Generator) -> None:
    first = int(rng.integers(1, 4))
    sizes = {"examples": int(rng.integers(5, 12)), "batch": 2, "first_epoch": first, "epochs": 2}
    replays.watch_replay(student, replays.record_of(int(rng.integers(1000)), rng, **sizes))


@check(
    "5.5",
    sentence="A batch holds the next `batch` indices of the order; the last one of an epoch may "
    "hold fewer.",
)
def batches(student: Student, rng: np.random.Generator) -> None:
    for examples, batch in ((9, 3), (10, 4), (5, 8), (6, 1)):
        sizes = {"examples": examples, "batch": batch, "first_epoch": 0, "epochs": 3}
        replays.watch_replay(student, replays.record_of(int(rng.integers(1000)), rng, **sizes))


@check(
    "5.5",
    sentence='If the fingerprint of the result is not `record["hash"]`, it raises a ValueError.',
)
def not_the_model(student: Student, rng: np.random.Generator) -> None:
    sizes = {"examples": 6, "batch": 4, "first_epoch": 1, "epochs": 1}
    trainer = replays.Trainer(replays.record_of(int(rng.integers(1000)), rng, **sizes))
    wrong = trainer.record | {"hash": common.sha256(rng.bytes(8))}
    with raises("ValueError"):
        student.replay(wrong, callback(trainer.step), callback(trainer.fingerprint))


@check("5.6", sentence="A model is needed if it is kept, or the base of a needed one.", weight=2)
def random_families(student: Student, rng: np.random.Generator) -> None:
    for _ in range(4):
        names = [f"model {i:02}" for i in rng.permutation(12)]
        models = {}
        for i, name in enumerate(names):
            base = names[int(rng.integers(i))] if i and rng.random() < 0.8 else None
            files = [f"file {n}" for n in rng.permutation(15)[:3]]
            models[name] = {"base": base, "files": files}
        keep = [str(name) for name in rng.permutation(names)[:3]]
        needed = set(keep)
        for _ in names:
            needed |= {models[n]["base"] for n in needed} - {None}
        used = {file for n in needed for file in models[n]["files"]}
        stored = {file for model in models.values() for file in model["files"]}
        shuffled = {str(n): models[n] for n in rng.permutation(names)}
        gone, files = student.garbage(shuffled, keep)
        assert_equal(list(gone), sorted(set(names) - needed), what="models that go")
        assert_equal(list(files), sorted(stored - used), what="files that go")


@check(
    "5.6",
    sentence="A needed model that is not in `models` is a ValueError: then nothing may be dropped.",
)
def missing_models(student: Student, rng: np.random.Generator) -> None:
    models = {
        "a": {"base": None, "files": ["1"]},
        "b": {"base": "lost", "files": ["2"]},
        "c": {"base": "b", "files": ["3"]},
    }
    for keep in (["c"], ["a", "elsewhere"]):
        with raises("ValueError"):
            student.garbage(models, keep)
    gone, files = student.garbage(models, ["a"])
    what = "that go if an unneeded one has no base"
    assert_equal(list(gone), ["b", "c"], what=f"models {what}")
    assert_equal(list(files), ["2", "3"], what=f"files {what}")


def _models(rng: np.random.Generator, count: int) -> list[dict[str, np.ndarray]]:
    shapes = {"w0": (3, 2), "b0": (3,), "w1": (1, 3, 2), "scale": ()}
    return [
        {name: np.asarray(rng.normal(size=s)).astype(np.float32) for name, s in shapes.items()}
        for _ in range(count)
    ]


@check("5.7", sentence="Tensors go by their names: another model may list them in another order.")
def any_order(student: Student, rng: np.random.Generator) -> None:
    models = _models(rng, int(rng.integers(3, 7)))
    names = list(models[0])
    for number in (1, -1):
        models[number] = {name: models[number][name] for name in reversed(names)}
    layout, matrix = student.pack_set(models)
    want = [(name, models[0][name].shape) for name in names]
    got = common.layout_text(layout)
    assert_equal(got, common.layout_text(want), what="the layout")
    rows = [[x for name in names for x in model[name].ravel().tolist()] for model in models]
    assert_equal(np.asarray(matrix), rows, what="the matrix, tensors by their names")


@check("5.7", sentence="`unpack_model` returns model `index` as it was packed.")
def round_trip(student: Student, rng: np.random.Generator) -> None:
    models = _models(rng, 5)
    layout, matrix = student.pack_set(models)
    for index in rng.permutation(5).tolist():
        got = student.unpack_model(layout, np.asarray(matrix), index)
        common.assert_tensors(got, models[index], what=f"model {index}")


@check("5.7", sentence="A model with other names or shapes than the first is a ValueError.")
def misfits(student: Student, rng: np.random.Generator) -> None:
    for change in (
        lambda model: model.pop("scale"),
        lambda model: model.update(extra=np.zeros(1, np.float32)),
        lambda model: model.update(w0=model["w0"].reshape(2, 3)),
    ):
        models = _models(rng, 3)
        change(models[2])
        with raises("ValueError"):
            student.pack_set(models)
