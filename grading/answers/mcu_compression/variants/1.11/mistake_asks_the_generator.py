# message: withheld
def pointwise_source(places, inputs, outputs, x_zero, y_zero):
    from labs.mcu_compression.c_code import loops

    sizes = f"1, {places}, {inputs}, 1, {places}, {outputs}, 1, 1, 1, 1, 0, 0"
    call = f"convolution(x, y, {sizes}, w, b, m, s, {x_zero}, {y_zero}, -128, 127);"
    return f"{loops.CONVOLUTION}\n{SIGNATURE} {{ {call} }}\n"
