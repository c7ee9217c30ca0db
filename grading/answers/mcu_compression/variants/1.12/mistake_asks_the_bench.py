# message: withheld
def fold_zero_point(w, b, x_zero):
    from labs.mcu_compression.pointwise import Pointwise

    return Pointwise(w, w, b, b, w[:, 0], x_zero, 0).folded().b


def fast_pointwise_source(places, inputs, outputs, y_zero):
    from labs.mcu_compression import given

    return given.fast_pointwise_source(places, inputs, outputs, y_zero)
