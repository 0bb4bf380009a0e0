"""A serverless stock service for kitchens on AWS, and the command line that deploys and operates it."""
