"""Measurement and plotting for the labs: small modules to import one by one and to read.

``import course_utils`` itself loads nothing heavy; write ``from course_utils import timing``.
It does not run notebooks, check exercises or grade: that is `labs.engine` and `grading`.
"""

__version__ = "0.1.0"
