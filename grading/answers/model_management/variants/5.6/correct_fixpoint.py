def garbage(models, keep):
    needed = set(keep)
    while True:
        for name in needed:
            if name not in models:
                raise ValueError(f"{name} is missing")
        more = {models[name]["base"] for name in needed if models[name]["base"] is not None}
        if more <= needed:
            break
        needed |= more
    counts = {}
    for name, model in models.items():
        for file in model["files"]:
            counts[file] = counts.get(file, 0) + (name in needed)
    files = [file for file, count in counts.items() if count == 0]
    return sorted(models.keys() - needed), sorted(files)
