# message: should raise ValueError
def garbage(models, keep):
    needed, todo = set(), list(keep)
    while todo:
        name = todo.pop()
        if name in needed:
            continue
        needed.add(name)
        if models[name]["base"] is not None:
            todo.append(models[name]["base"])
    used = set()
    for name in needed:
        used.update(models[name]["files"])
    stored = {file for model in models.values() for file in model["files"]}
    return sorted(set(models) - needed), sorted(stored - used)
