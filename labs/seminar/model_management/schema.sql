-- The catalogue of a store of models, version 1. A row is written after the files that it names,
-- so whatever is in here can be recovered.

-- One row a model, of those too that were deleted and are still the base of another one.
CREATE TABLE models (
    name    TEXT PRIMARY KEY,
    saver   TEXT NOT NULL CHECK (saver IN ('full', 'update', 'recipe', 'shared')),
    base    TEXT REFERENCES models (name),  -- what an update or a recipe starts from
    hash    TEXT NOT NULL,                  -- root of the Merkle tree over its layers
    recipe  TEXT,                           -- JSON, what a replay needs; of recipes alone
    notes   TEXT NOT NULL DEFAULT '{}',     -- JSON, what the owner wants to know later
    is_kept INTEGER NOT NULL DEFAULT 1      -- 0: deleted, here only as long as a base
) STRICT;

-- The layers of each model in its order, so that an update is found without reading its base.
CREATE TABLE layers (
    model    TEXT NOT NULL REFERENCES models (name) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer    TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (model, position)
) STRICT, WITHOUT ROWID;

-- The files that hold tensors of a model; two models may name the same one.
CREATE TABLE files (
    model    TEXT NOT NULL REFERENCES models (name) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    object   TEXT NOT NULL,
    PRIMARY KEY (model, position)
) STRICT, WITHOUT ROWID;
