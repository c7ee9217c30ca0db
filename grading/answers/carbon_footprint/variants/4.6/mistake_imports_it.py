# message: withheld
from labs.seminar.carbon_footprint.given import break_even_y
