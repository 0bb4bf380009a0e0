"""Tests on DynamoDB Local, AWS's own engine, beside moto and the in-process one."""
