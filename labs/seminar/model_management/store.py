"""A store of models with three savers, after MMlib, and a fourth for comparison.

- ``full``: one file with every tensor (safetensors);
- ``update``: one file with the layers that differ from a base, found by their hashes alone;
- ``recipe``: no tensor at all, but what a replay of the training from a base needs (provenance);
- ``shared``: one file a layer, so that equal layers of any two models are one file.

A model is recovered bit by bit, which its Merkle root proves, or not at all. What was saved when a
call returned survives a crash; deleted models go when no kept one needs them (`collect`). Models
are not trained here: the function that replays a recipe is handed in.

Sources: Strassenburg, Tolovski, Rabl: Efficiently Managing Deep Learning Models in a Distributed
Environment (EDBT 2022); Strassenburg, Kupfer, Kowal, Rabl: Efficient Multi-Model Management
(EDBT 2023).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from labs.seminar.model_management import disk, fingerprints
from labs.seminar.model_management.catalog import Catalog, Entry
from labs.seminar.model_management.errors import (
    CorruptModelError,
    NameTakenError,
    ReplayError,
    UnknownModelError,
)
from labs.seminar.model_management.objects import ObjectFolder
from labs.seminar.model_management.states import Array, State, layer_of, layers_of

Replay = Callable[[State, dict[str, Any]], State]


class ModelStore:
    """A folder with models, as a context manager.

    Parameters
    ----------
    folder
        Made if it is not there.
    replay
        ``replay(state, recipe) -> state``: trains again, bit by bit as before. Without it recipes
        are refused.
    hook
        Is told each step of a write, so that a test may stop there.
    """

    def __init__(
        self, folder: str | Path, *, replay: Replay | None = None, hook: disk.Hook = disk.no_hook
    ) -> None:
        self.folder = Path(folder)
        self.objects = ObjectFolder(self.folder / "objects", hook=hook)
        self.catalog = Catalog(self.folder / "models.db", hook=hook)
        self._replay = replay

    def __enter__(self) -> "ModelStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalogue."""
        self.catalog.close()

    def save_full(
        self, name: str, state: Mapping[str, Array], *, notes: dict[str, Any] | None = None
    ) -> Entry:
        """Save every tensor in one file.

        Parameters
        ----------
        name
            Of the model, new here.
        state
            Name -> array.
        notes
            What to know of it later, as JSON.

        Raises
        ------
        NameTakenError
            If a model has this name.
        """
        layers = fingerprints.layer_hashes(state)
        return self._save(name, "full", layers, pieces=[state], notes=notes)

    def save_shared(
        self, name: str, state: Mapping[str, Array], *, notes: dict[str, Any] | None = None
    ) -> Entry:
        """Save every layer in a file of its own, which models with the same layer share.

        Parameters
        ----------
        name, state, notes
            As for `save_full`; so are the errors.
        """
        layers = fingerprints.layer_hashes(state)
        pieces = list(layers_of(state).values())
        return self._save(name, "shared", layers, pieces=pieces, notes=notes)

    def save_update(
        self,
        name: str,
        state: Mapping[str, Array],
        *,
        base: str,
        notes: dict[str, Any] | None = None,
    ) -> Entry:
        """Save the layers that differ from those of a base, in one file.

        Parameters
        ----------
        name, state, notes
            As for `save_full`; so are the errors.
        base
            Name of a kept model; its tensors are not read.

        Raises
        ------
        UnknownModelError
            If there is no model `base`.
        """
        layers, start = fingerprints.layer_hashes(state), self.catalog.entry(base)
        changed = {
            tensor: array
            for tensor, array in state.items()
            if layers[layer_of(tensor)] != start.layers.get(layer_of(tensor))
        }
        pieces = [changed] if changed else []
        return self._save(name, "update", layers, start=start, pieces=pieces, notes=notes)

    def save_recipe(
        self,
        name: str,
        state: Mapping[str, Array],
        *,
        base: str,
        recipe: dict[str, Any],
        is_checked: bool = True,
    ) -> Entry:
        """Save how the model was trained from a base, and the hash of what came out.

        Parameters
        ----------
        name, state
            As for `save_full`; so are the errors.
        base
            Name of a kept model.
        recipe
            What `replay` needs, as JSON.
        is_checked
            Whether it is replayed first; a recipe that was never replayed may turn out to be one
            only when it is too late.

        Raises
        ------
        UnknownModelError
            If there is no model `base`.
        ReplayError
            If the replay gives another model; nothing is saved then.
        """
        layers, start = fingerprints.layer_hashes(state), self.catalog.entry(base)
        if is_checked:
            found = self._replayed(self.recover(base), recipe, name=name)
            self._require(found, fingerprints.model_hash(layers), name=name, error=ReplayError)
        return self._save(name, "recipe", layers, start=start, recipe=recipe)

    def _save(
        self,
        name: str,
        saver: str,
        layers: dict[str, str],
        *,
        pieces: list[Any] | None = None,
        start: Entry | None = None,
        **fields: Any,
    ) -> Entry:
        if not layers:
            raise ValueError(f"the model {name!r} has no tensor; give a state with at least one")
        fields["notes"] = fields.get("notes") or {}
        with self.catalog.writing():
            if self.catalog.has_row(name):
                raise NameTakenError(
                    f"there is a model {name!r} already: kept, still needed as a base, or "
                    "deleted and not collected; choose another name, or collect first"
                )
            if start is not None:
                if self.catalog.entry(start.name).hash != start.hash:  # by another process
                    raise UnknownModelError(
                        f"the model {start.name!r} became another one meanwhile; save again"
                    )
                fields["base"] = start.name
            files = tuple(self.objects.put(save_tensors(dict(piece))) for piece in pieces or [])
            root = fingerprints.model_hash(layers)
            entry = Entry(name, saver, root, layers, files=files, **fields)
            self.catalog.add(entry)
        return entry

    def recover(self, name: str) -> State:
        """Return the tensors of a model, exactly as they were saved.

        Parameters
        ----------
        name
            Of a kept model.

        Raises
        ------
        UnknownModelError
            If there is no such model.
        CorruptModelError
            If a file was changed or is gone.
        ReplayError
            If a recipe on the way gives another model than it did.
        """
        chain = self.chain(name)
        state: State = {}
        for entry in reversed(chain):
            state = self._step(entry, state)
        return state

    def chain(self, name: str) -> list[Entry]:
        """Return what is known of a model and of those it starts from, up to the first.

        Parameters
        ----------
        name
            Of a kept model.
        """
        chain = [self.catalog.entry(name)]
        while (base := chain[-1].base) is not None:
            chain.append(self.catalog.entry(base, deleted=True))
        return chain

    def _step(self, entry: Entry, state: State) -> State:
        if entry.recipe is not None:
            state = self._replayed(state, entry.recipe, name=entry.name)
            self._require(state, entry.hash, name=entry.name, error=ReplayError)
            return state
        by_layer = layers_of(state)
        for name in entry.files:  # a changed layer is whole: none of the base's tensors stays in it
            by_layer |= layers_of(load_tensors(self.objects.get(name)))
        state = {k: v for layer in entry.layers for k, v in by_layer.get(layer, {}).items()}
        self._require(state, entry.hash, name=entry.name, error=CorruptModelError)
        return state

    def _replayed(self, state: State, recipe: dict[str, Any], *, name: str) -> State:
        if self._replay is None:
            raise ReplayError(
                f"the model {name!r} is a recipe; open the store with replay=... to train it again"
            )
        return self._replay(state, recipe)

    def _require(
        self, state: State, root: str, *, name: str, error: type[CorruptModelError | ReplayError]
    ) -> None:
        found = fingerprints.model_hash(fingerprints.layer_hashes(state)) if state else "nothing"
        if found != root:
            raise error(
                f"the model {name!r} should have the hash {root[:12]}... and comes out with "
                f"{found[:12]}...: not a bit of it is to be trusted"
            )

    def delete(self, name: str) -> None:
        """Delete a model; what others need of it stays until they are gone.

        Parameters
        ----------
        name
            Of a kept model.

        Raises
        ------
        UnknownModelError
            If there is no such model.
        """
        with self.catalog.writing():
            self.catalog.entry(name)
            self.catalog.forget(name)

    def collect(self) -> tuple[list[str], list[str]]:
        """Drop deleted models that no kept one needs, then files that no model names.

        Returns
        -------
        tuple
            Names of the models, and of the files.
        """
        with self.catalog.writing():
            gone = self.catalog.drop_unneeded()
        with self.catalog.writing():  # the lock: no save is between its file and its row
            swept = self.objects.sweep(self.catalog.files())
        return gone, swept

    def file_bytes(self, name: str) -> int:
        """Return the bytes of the files that a model names itself, without those of its base.

        Parameters
        ----------
        name
            Of a kept model.
        """
        return sum(self.objects.size_bytes(file) for file in self.catalog.entry(name).files)

    def total_bytes(self) -> int:
        """Return the bytes of the whole store: files, catalogue and what crashes left."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
