import torch


def state_bytes(parameters, precision, *, optimizer):
    moments = {"sgd": 0, "momentum": 1, "adamw": 2}
    if precision not in ("float32", "mixed") or optimizer not in moments:
        raise ValueError(f"{precision!r} with {optimizer!r} is not known")
    is_mixed = precision == "mixed"
    one = parameters * (2 if is_mixed else 4)
    kept = 4 * parameters * (moments[optimizer] + is_mixed)
    return {"weights": one, "gradients": one, "optimizer": kept}


def activation_bytes(model, x):
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    todo, seen, saved = [model(x).grad_fn], set(), {}
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        todo.extend(each for each, _ in node.next_functions)
        for name in dir(node):
            value = getattr(node, name) if name.startswith("_saved") else None
            if isinstance(value, torch.Tensor):
                saved[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
    return sum(n for place, n in saved.items() if place not in own)
