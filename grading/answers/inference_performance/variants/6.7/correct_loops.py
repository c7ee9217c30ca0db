def layer_bound(weights, weight_error, inputs, input_error):
    found = []
    for j in range(len(weights)):
        up = down = 0.0
        for i in range(len(inputs)):
            w, a, x, b = weights[j][i], weight_error[j][i], inputs[i], input_error[i]
            ends = [float(u * v) for u in (w - a, w + a) for v in (x - b, x + b)]
            up += max(ends) - float(w * x)
            down += float(w * x) - min(ends)
        found.append(max(up, down))
    return found
