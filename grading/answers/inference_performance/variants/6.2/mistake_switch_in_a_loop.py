# message: more than once: a loop
def if_else(tree):
    cases = ""
    for node in range(len(tree["feature"])):
        feature, threshold = int(tree["feature"][node]), int(tree["threshold"][node])
        left, right = int(tree["left"][node]), int(tree["right"][node])
        step = f"node = x[{feature}] <= {threshold} ? {left} : {right}; break;"
        cases += f"case {node}: {step if feature >= 0 else 'return node;'}\n"
    return (
        f"int tree_leaf(const int32_t *x) {{ int node = 0; for (;;) switch (node) {{ {cases} }} }}"
    )
