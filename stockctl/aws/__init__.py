"""The only code that knows boto3: tables, bucket, streams, stack and the errors they raise."""
