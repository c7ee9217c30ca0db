# message: withheld
from labs.seminar.carbon_footprint.given import board_kg
