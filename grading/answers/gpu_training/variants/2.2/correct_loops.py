def attainable_ops_per_s(intensity, peak, bandwidth):
    if hasattr(intensity, "shape") and intensity.shape:
        return [attainable_ops_per_s(each, peak, bandwidth) for each in intensity]
    return min(peak, float(intensity) * bandwidth)


def linear_intensity(tokens, inputs, outputs, number_bytes):
    ops = 0
    for rows, columns, common in [(tokens, outputs, inputs)]:
        ops += 2 * rows * columns * common
    moved = sum(a * b for a, b in [(tokens, inputs), (inputs, outputs), (tokens, outputs)])
    return ops / moved / number_bytes


def step_ops(tokens, parameters, layers, width, context):
    return sum(p * tokens * (2 * parameters + 4 * layers * width * context) for p in (1, 2))
