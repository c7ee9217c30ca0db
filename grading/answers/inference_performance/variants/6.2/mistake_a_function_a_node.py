# message: besides tree_leaf the program holds function node_0
def if_else(tree):
    text = ""
    for node in range(len(tree["feature"])):
        text += f"static int node_{node}(const int32_t *x);\n"
    for node in range(len(tree["feature"])):
        feature, threshold = int(tree["feature"][node]), int(tree["threshold"][node])
        left, right = int(tree["left"][node]), int(tree["right"][node])
        value = f"x[{feature}] <= {threshold} ? node_{left}(x) : node_{right}(x)"
        value = value if feature >= 0 else node
        text += f"static int node_{node}(const int32_t *x) {{ return {value}; }}\n"
    return text + "int tree_leaf(const int32_t *x) { return node_0(x); }"
