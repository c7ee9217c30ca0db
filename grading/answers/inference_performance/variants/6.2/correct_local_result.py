def if_else(tree):
    feature, threshold = tree["feature"].tolist(), tree["threshold"].tolist()
    left, right = tree["left"].tolist(), tree["right"].tolist()
    out, stack = ["int tree_leaf(const int32_t *x)\n{\n  int leaf;"], [0]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
        elif feature[item] < 0:
            out.append(f"leaf = {item};")
        else:
            out.append(f"if (x[{feature[item]}] > {threshold[item]}) {{")
            stack += ["}", left[item], "} else {", right[item]]
    return "\n".join(out) + "\n  return leaf;\n}"
