# message: calculates with floating-point numbers
def if_else(tree):
    def block(node):
        if tree["feature"][node] < 0:
            return f"return {node};"
        yes, no = block(int(tree["left"][node])), block(int(tree["right"][node]))
        row = f"x[{int(tree['feature'][node])}]"
        key = f"{float(tree['threshold'][node])}"
        return f"if ({row} <= {key}) {{ {yes} }} else {{ {no} }}"

    return "int tree_leaf(const int32_t *x) { " + block(0) + " }\n"
