import numpy as np


def operational_g(it_kwh, pue, sources):
    rows = [s for s in sources if s["basis"] == "location"]
    if not (pue >= 1 and rows):
        raise ValueError(f"pue {pue}, {len(rows)} sources")
    grams = np.array([s["g_per_kwh"] for s in rows], dtype=float) * (it_kwh * pue)
    ends = [int(grams.argmin()), int(grams.argmax())]
    return [(float(grams[i]), f"{rows[i]['name']} {rows[i]['year']}") for i in ends]
