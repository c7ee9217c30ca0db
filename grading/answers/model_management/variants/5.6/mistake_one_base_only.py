# message: last of a chain of 5
def garbage(models, keep):
    needed = set(keep)
    for name in keep:
        if name not in models:
            raise ValueError(name)
        needed |= {models[name]["base"]} - {None}
    if needed - set(models):
        raise ValueError(needed)
    used = {file for name in needed for file in models[name]["files"]}
    stored = {file for model in models.values() for file in model["files"]}
    return sorted(set(models) - needed), sorted(stored - used)
