"""The commands of ``course``, one module each: arguments, printing and exit codes.

Each module has ``add``, which adds its parsers, and whose parsers name with ``run`` the function
that carries the command out: ``run(options, course) -> exit code``.
"""
