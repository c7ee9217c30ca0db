-- The grades of one lab: what was handed in, what came of it, and every change of a grade.
-- grading/store.py is the only module that reads and writes it. Each section "migration N" below runs
-- once, in one transaction with its record in the table migrations, and is never edited once a
-- release has it: a change of the schema is a further section.
--
-- Students appear under pseudonyms only. Flags are 0 or 1, times are UTC as ISO 8601, columns that
-- end in _json hold JSON.

-- migration 1: tables of the first release

-- What the folder is about: lab, course, where the submissions were, release, parameters.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One row a submission that was ever seen here. Those that are no longer among the submissions stay,
-- with is_present = 0, so that the log keeps its meaning.
CREATE TABLE submissions (
    id TEXT PRIMARY KEY,            -- pseudonym, or name of the folder
    digest TEXT NOT NULL,           -- SHA-256 of what is graded
    is_present INTEGER NOT NULL CHECK (is_present IN (0, 1)),
    url TEXT NOT NULL,              -- link to Colab as submitted, never fetched
    submitted TEXT,                 -- when it was handed in; NULL if unknown
    late_json TEXT                  -- how late it is and what that costs; NULL if unknown
);

-- The current verdict of each; it was computed from exactly what grading_key hashes.
CREATE TABLE verdicts (
    submission TEXT PRIMARY KEY REFERENCES submissions (id),
    grading_key TEXT NOT NULL,
    digest TEXT NOT NULL,           -- that of the submission it is about
    status TEXT NOT NULL CHECK (status IN ('graded', 'needs_marking', 'refused', 'missing')),
    problem TEXT NOT NULL,
    notes_json TEXT NOT NULL,
    flags_json TEXT NOT NULL,       -- sentences; a person must look before grades go out
    walls_json TEXT NOT NULL,       -- names of the walls in force
    unmatched_json TEXT NOT NULL    -- cells that could not be placed
);

-- Its exercises, in the order of the lab.
CREATE TABLE exercises (
    submission TEXT NOT NULL REFERENCES verdicts (submission) ON DELETE CASCADE,
    exercise TEXT NOT NULL,
    position INTEGER NOT NULL,
    status TEXT NOT NULL,
    points REAL,                    -- NULL: a person has not marked it yet
    max_points REAL NOT NULL,
    sentence TEXT NOT NULL,
    notes_json TEXT NOT NULL,
    answer_json TEXT,               -- what was found for it, with what the student's run showed
    PRIMARY KEY (submission, exercise)
);

-- The cases of each exercise, visible and hidden, in the order in which they ran.
CREATE TABLE cases (
    submission TEXT NOT NULL,
    exercise TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    sentence TEXT NOT NULL,
    is_hidden INTEGER NOT NULL CHECK (is_hidden IN (0, 1)),
    weight REAL NOT NULL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    message TEXT NOT NULL,
    calls_json TEXT NOT NULL,
    PRIMARY KEY (submission, exercise, position),
    FOREIGN KEY (submission, exercise)
        REFERENCES exercises (submission, exercise) ON DELETE CASCADE
);

-- Points that a person gave; they take the place of those of the verdict and outlive a regrade.
CREATE TABLE marks (
    submission TEXT NOT NULL REFERENCES submissions (id),
    exercise TEXT NOT NULL,
    points REAL NOT NULL,
    comment TEXT NOT NULL,
    marker TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (submission, exercise)
);

-- Every change of a grade, in the order in which it happened. Rows are added and never changed.
CREATE TABLE grade_log (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    submission TEXT NOT NULL,
    exercise TEXT NOT NULL,         -- empty: the submission as a whole, its status
    old TEXT,                       -- points or status before; NULL: there was none
    new TEXT,                       -- and after; NULL: there is none any more
    reason TEXT NOT NULL,
    tool TEXT NOT NULL              -- version of this program
);

CREATE TRIGGER grade_log_is_not_edited BEFORE UPDATE ON grade_log
BEGIN
    SELECT RAISE(ABORT, 'the log of grades is append-only');
END;

CREATE TRIGGER grade_log_is_not_shortened BEFORE DELETE ON grade_log
BEGIN
    SELECT RAISE(ABORT, 'the log of grades is append-only');
END;

-- What each command took; nothing in a verdict, a grade or feedback depends on it.
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    started TEXT NOT NULL,
    ended TEXT,                     -- NULL: it is running, or was cut off
    jobs INTEGER NOT NULL,
    walls TEXT NOT NULL             -- how student code was kept in, in words
);

CREATE TABLE costs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (number),
    submission TEXT NOT NULL REFERENCES submissions (id),
    grading_key TEXT NOT NULL,
    cpu_s REAL NOT NULL,            -- processor time of grader and student code
    duration_s REAL NOT NULL
);
