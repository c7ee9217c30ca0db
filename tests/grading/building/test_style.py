"""The measurable rules for notebooks, each broken once in the toy lab."""

import pytest

from grading.errors import SourceError

LONG_CODE = "\n".join(f"x{n} = {n}" for n in range(26))
WORDS = " ".join(["word"] * 121)

EDITS = [
    ("LIMIT = 3", LONG_CODE, "(cell-02): 30 lines; at most 25 a code cell"),
    ("without\n# any paper.", f"without\n# any {WORDS}.", "words; at most 120 a cell"),
    ("It takes no time at all, and it\n# measures nothing.", "No.", "words of prose; at least 15"),
    ("import math\n", "from math import *\n", "(cell-02): 'from math import *': import names"),
    ("import math\n", 'x = "pip install torch"\n', "'pip install': notebooks install nothing"),
    (
        "import math\n",
        'import math\nx = "/home/me/data.csv"\n',
        "absolute path '/home/me/data.csv'",
    ),
    ("import math\n", 'import math\nx = "C:\\\\data"\n', "absolute path 'C:"),
    ('# %% tags=["parameters"]', "# %%", "0 cells are tagged 'parameters'"),
    ("# %%\nimport", '# %% tags=["parameters"]\nimport', "2 cells are tagged 'parameters'"),
    ("scale = 2.5  # factor, no unit", "scale = 2.5", "parameter scale has no comment"),
    ("scale = 2.5  #", "scale = 5 / 2  #", "'scale = 5 / 2' in the cell tagged 'parameters'"),
    ("LIMIT = 3", "LIMIT = 3\n\n# %%", "(cell-03): an empty cell"),
    ("LIMIT = 3", "LIMIT = 3\n\n# %%\n2", "(cell-01): 3 code cells in a row, to cell-03"),
    ("import math\n", "import math\n" + "x = 1\n" * 6, "the median code cell has"),
]


@pytest.mark.parametrize(("old", "new", "message"), EDITS)
def test_each_rule(toy, old, new, message):
    toy.edit(toy.source, old, new)
    if "median" in message:
        toy.edit(toy.source, "clipped = [", "y = 1\n" * 8 + "clipped = [")
    with pytest.raises(SourceError) as caught:
        toy.built()
    assert message in str(caught.value)
