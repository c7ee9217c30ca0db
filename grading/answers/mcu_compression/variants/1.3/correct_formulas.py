from torch import nn, no_grad


def count_layers(network, example):
    names = {module: name for name, module in network.named_modules()}
    training = {name: module.training for name, module in network.named_modules()}
    rows = []

    def hook(layer, args, out):
        x = args[0]
        if isinstance(layer, nn.Conv2d):
            height, width = layer.kernel_size
            fan_in = layer.in_channels // layer.groups * height * width
            outputs = out.shape[0] * layer.out_channels * out.shape[2] * out.shape[3]
            weights = layer.out_channels * fan_in
            biases = layer.out_channels if layer.bias is not None else 0
        else:
            fan_in, outputs = layer.in_features, out.numel()
            weights = layer.in_features * layer.out_features
            biases = layer.out_features if layer.bias is not None else 0
        is_known = any(row["name"] == names[layer] for row in rows)
        rows.append(
            {
                "name": names[layer],
                "params": 0 if is_known else weights + biases,
                "macs": outputs * fan_in,
                "input_elements": x.numel(),
                "output_elements": outputs,
            }
        )

    handles = []
    for module in names:
        if type(module) in (nn.Conv2d, nn.Linear):
            handles.append(module.register_forward_hook(hook))
    try:
        network.eval()
        with no_grad():
            network(example)
    finally:
        for handle in handles:
            handle.remove()
        for name, module in network.named_modules():
            module.training = training[name]
    return rows
