"""What can go wrong with a store of models.

ModelStoreError
+-- UnknownModelError     no model of that name, or it was deleted
+-- NameTakenError        a model of that name is there already
+-- CorruptModelError     bytes or tensors are not those that were saved
|   +-- MissingFileError  a file is gone
+-- ReplayError           a recipe cannot be replayed here, or gives another model
"""


class ModelStoreError(Exception):
    """Something is wrong with a store of models."""


class UnknownModelError(ModelStoreError):
    """There is no model of that name, or it was deleted."""


class NameTakenError(ModelStoreError):
    """A model of that name is there already."""


class CorruptModelError(ModelStoreError):
    """Bytes or tensors are not those that were saved."""


class MissingFileError(CorruptModelError):
    """A file that a model needs is gone."""


class ReplayError(ModelStoreError):
    """A recipe cannot be replayed here, or gives another model than it did."""
