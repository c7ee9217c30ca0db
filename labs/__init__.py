"""The labs of the course, each in a folder of its own, and what they stand on.

`labs.engine` finds, runs and checks notebooks; `labs.shared` holds what two labs share.
"""
