"""A ten-minute lab that shows the whole loop: train, count, measure, shrink, compare, decide."""
