# message: macs of layer '0': expected 576, you have 640
import torch


def count_layers(network, example):
    rows, modes = [], [(module, module.training) for module in network.modules()]

    def note(name, layer, inputs, output):
        is_new = name not in [row["name"] for row in rows]
        params = sum(p.numel() for p in layer.parameters()) if is_new else 0
        macs = output.numel() * (layer.weight[0].numel() + 1)
        sizes = {"input_elements": inputs[0].numel(), "output_elements": output.numel()}
        rows.append({"name": name, "params": params, "macs": macs, **sizes})

    hooks = [
        layer.register_forward_hook(lambda *seen, name=name: note(name, *seen))
        for name, layer in network.named_modules()
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear))
    ]
    with torch.no_grad():
        network.eval()(example)
    for hook in hooks:
        hook.remove()
    for module, mode in modes:
        module.training = mode
    return rows
