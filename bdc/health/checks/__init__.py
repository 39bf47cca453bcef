"""The checks of `bdc doctor`, by what they look at. Each module has a tuple CHECKS."""
