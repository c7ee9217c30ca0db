def if_else(tree):
    lines = ["int tree_leaf(const int32_t* row)", "{"]

    def write(node, indent):
        if tree["feature"][node] == -1:
            lines.append(f"{indent}return {node};")
            return
        lines.append(
            f"{indent}if (*(row + {tree['feature'][node]}) <= {tree['threshold'][node]}) {{"
        )
        write(tree["left"][node], indent + "  ")
        lines.append(f"{indent}}}")
        write(tree["right"][node], indent)

    write(0, "  ")
    return "\n".join([*lines, "}"])
