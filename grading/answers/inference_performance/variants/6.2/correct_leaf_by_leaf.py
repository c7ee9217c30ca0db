def if_else(tree):
    paths, text = [(0, [])], "int tree_leaf(const int32_t *x) {\n"
    while paths:
        node, conditions = paths.pop()
        f, t = int(tree["feature"][node]), int(tree["threshold"][node])
        if f < 0:
            text += f"  if ({' && '.join(conditions) or 1}) return {node};\n"
        else:
            paths.append((int(tree["left"][node]), [*conditions, f"x[{f}] <= {t}"]))
            paths.append((int(tree["right"][node]), [*conditions, f"x[{f}] > {t}"]))
    return text + "  return 0;\n}\n"
