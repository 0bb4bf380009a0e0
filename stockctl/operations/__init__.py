"""The stock operations on DynamoDB and S3, used by functions and operators, with the conditions and rows they share."""
