# message: models that go
def garbage(models, keep):
    for name in keep:
        if name not in models or models[name]["base"] not in {None, *models}:
            raise ValueError(name)
    used = {file for name in keep for file in models[name]["files"]}
    stored = {file for model in models.values() for file in model["files"]}
    return sorted(set(models) - set(keep)), sorted(stored - used)
