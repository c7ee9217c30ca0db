# message: reads where no memory is
def if_else(tree):
    def block(node):
        test = f"x[{int(tree['feature'][node])}] <= {int(tree['threshold'][node])}"
        sides = []
        for side in ("left", "right"):
            child = int(tree[side][node])
            is_leaf = tree["feature"][child] < 0
            sides.append(f"return {child};" if is_leaf else block(child))
        return f"if ({test}) {{ {sides[0]} }} else {{ {sides[1]} }}"

    return "int tree_leaf(const int32_t *x) { " + block(0) + " }"
