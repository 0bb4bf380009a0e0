"""The stock operations on AWS, for functions and operators, with the tables, conditions and rows they share."""
