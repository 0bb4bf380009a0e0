"""`--verbose`: a line for each AWS call, also for one that fails."""

from __future__ import annotations

import re

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from stockctl.aws.clients import Clients, aws_session
from stockctl.aws.tracing import trace_calls


@mock_aws
def test_each_call_is_logged_with_its_result_duration_and_request() -> None:
    lines: list[str] = []
    session = aws_session()
    trace_calls(session, lines.append)
    clients = Clients(session)
    clients.dynamodb.list_tables()
    with pytest.raises(ClientError):
        clients.dynamodb.describe_table(TableName="missing")
    assert re.fullmatch(r"dynamodb ListTables: 200 in \d+ ms, request \S{10,}", lines[0])
    assert re.fullmatch(r"dynamodb DescribeTable: ResourceNotFoundException in \d+ ms, request \S{10,}", lines[1])
    assert len(lines) == 2
