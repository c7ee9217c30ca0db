# message: models that go
def garbage(models, keep):
    needed, todo = set(), list(keep)
    while todo:
        name = todo.pop()
        if name in needed:
            continue
        if name not in models:
            raise ValueError(name)
        needed.add(name)
        if models[name]["base"] is not None:
            todo.append(models[name]["base"])
    used = set()
    for name in needed:
        used.update(models[name]["files"])
    return sorted(needed), sorted(used)
