# message: besides tree_leaf the program holds variable feature
def if_else(tree):
    names = ("feature", "threshold", "left", "right")
    text = ""
    for name in names:
        numbers = ", ".join(str(int(each)) for each in tree[name])
        text += f"static const int32_t {name}[] = {{{numbers}}};\n"
    return (
        text
        + """
int tree_leaf(const int32_t *x) {
  int node = 0;
  while (feature[node] >= 0)
    node = x[feature[node]] <= threshold[node] ? left[node] : right[node];
  return node;
}
"""
    )
