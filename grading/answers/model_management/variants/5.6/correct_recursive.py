def garbage(models, keep):
    def ancestors(name):
        if name is None:
            return set()
        if name not in models:
            raise ValueError(f"no model {name}")
        return {name} | ancestors(models[name]["base"])

    needed = set().union(*[ancestors(name) for name in keep])
    gone = sorted(name for name in models if name not in needed)
    files = set()
    for name in gone:
        files |= set(models[name]["files"])
    for name in needed:
        files -= set(models[name]["files"])
    return gone, sorted(files)
