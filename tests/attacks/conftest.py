"""Makes the modules of this folder importable for its tests: they have names of their own."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
