def operational_g(it_kwh, pue, sources):
    if pue < 1:
        raise ValueError("a building cannot draw less than its computers")
    low = high = None
    for source in sources:
        if source["basis"] != "location":
            continue
        end = [it_kwh * pue * source["g_per_kwh"], str(source["name"]) + " " + str(source["year"])]
        low = end if low is None or end[0] < low[0] else low
        high = end if high is None or end[0] > high[0] else high
    if low is None:
        raise ValueError("nothing counts")
    return [low, high]
