# message: defines no function tree_leaf
def if_else(tree):
    def block(node):
        if tree["feature"][node] < 0:
            return f"return {node};"
        yes, no = block(int(tree["left"][node])), block(int(tree["right"][node]))
        row = f"x[{int(tree['feature'][node])}]"
        key = f"{int(tree['threshold'][node])}"
        return f"if ({row} <= {key}) {{ {yes} }} else {{ {no} }}"

    return "int leaf(const int32_t *x) { " + block(0) + " }\n"
