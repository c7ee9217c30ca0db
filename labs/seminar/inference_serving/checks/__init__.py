"""The open checks of this lab, one module an exercise: what `show_check` runs in the notebook."""
