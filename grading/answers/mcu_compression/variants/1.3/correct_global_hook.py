import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook


def count_layers(network, example):
    calls = []
    handle = register_module_forward_hook(lambda m, i, o: calls.append((m, i[0].shape, o.shape)))
    before = [module.training for module in network.modules()]
    for module in network.modules():
        module.training = False
    with torch.inference_mode():
        network(example)
    handle.remove()
    for module, mode in zip(network.modules(), before):
        module.training = mode
    names, seen, table = dict((m, n) for n, m in network.named_modules()), set(), []
    for layer, into, out in calls:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            own = sum(p.numel() for p in layer.parameters() if id(p) not in seen)
            seen.update(id(p) for p in layer.parameters())
            row = dict(name=names[layer], params=own)
            row["macs"] = out.numel() * layer.weight.numel() // layer.weight.shape[0]
            row.update(input_elements=into.numel(), output_elements=out.numel())
            table.append(row)
    return table
