# message: two different texts
import itertools

number = itertools.count()


def if_else(tree):
    def block(node):
        if tree["feature"][node] < 0:
            return f"return {node};"
        yes, no = block(int(tree["left"][node])), block(int(tree["right"][node]))
        test = f"x[{int(tree['feature'][node])}] <= {int(tree['threshold'][node])}"
        return f"if ({test}) {{ {yes} }} else {{ {no} }}"

    return f"/* {next(number)} */ int tree_leaf(const int32_t *x) {{ {block(0)} }}"
