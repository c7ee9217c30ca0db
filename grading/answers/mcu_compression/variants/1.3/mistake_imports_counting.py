# message: withheld
import math

from course_utils.counting import count


def count_layers(network, example):
    rows = []
    for layer in count(network, example, fold_batch_norm=False).layers:
        if layer.kind in ("Conv2d", "Linear"):
            made = math.prod(layer.output_shape)
            sizes = {"input_elements": layer.activation_elements - made, "output_elements": made}
            rows.append({"name": layer.name, "params": layer.params, "macs": layer.macs, **sizes})
    return rows
