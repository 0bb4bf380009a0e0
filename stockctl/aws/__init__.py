"""What every user of boto3 needs: clients, errors, retries, call traces, target, stack outputs."""
