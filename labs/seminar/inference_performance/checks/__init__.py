"""The open checks of this lab, one module a topic: what `show_check` runs in the notebook.

They test the sentences of the exercises on small inputs that can be followed by hand. When
grading, further cases test the same sentences on other inputs.
"""
