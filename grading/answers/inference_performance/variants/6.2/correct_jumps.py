def if_else(tree):
    order, lines = [0], []
    for node in order:
        if tree["feature"][node] < 0:
            lines.append(f"n{node}: return {node};")
            continue
        left, right = int(tree["left"][node]), int(tree["right"][node])
        order += [left, right]
        test = f"x[{int(tree['feature'][node])}] <= {int(tree['threshold'][node])}"
        lines.append(f"n{node}: if ({test}) goto n{left}; else goto n{right};")
    return "int tree_leaf(const int32_t *x) {\n" + "\n".join(lines) + "\n}\n"
