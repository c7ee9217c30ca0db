# message: half-words of code
def if_else(tree):
    return "int tree_leaf(const int32_t *x) { while (x[0] < 1000) ; return 0; }"
