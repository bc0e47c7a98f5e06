"""What AWS's services publish to CloudWatch about themselves, so that alarms on functions and queues work here.

1. `namespace.Namespace` is the table of what a service publishes: names, units, dimensions. Nothing else is counted.
2. `localaws.ministack.awslambda.metrics`, ``sqs.metrics`` and ``eventbridge.metrics`` know what an invocation, a
   message or an event means in these names. The hooks of their services call them from where it happens.
3. `meter.Meter` counts in memory: an addition under a lock is all that an invocation pays.
4. Once a second, before the alarms are decided, what was counted is handed to CloudWatch.

API Gateway's are in `localaws.ministack.apigateway.reporter`, those of state machines in
`localaws.ministack.stepfunctions.reporter`, those of endpoints in `localaws.sagemaker.runtime.metrics`, which is a
process of its own.
"""
