"""Table engines that the tests run on beside moto: DynamoDB Local, which is AWS's own."""
