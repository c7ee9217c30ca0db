def if_else(tree):
    def value(node):
        if tree["left"][node] < 0:
            return str(node)
        yes, no = value(tree["left"][node]), value(tree["right"][node])
        return f"(x[{tree['feature'][node]}] <= {tree['threshold'][node]} ? {yes} : {no})"

    return "int tree_leaf(const int32_t *x) { return " + value(0) + "; }"
