"""CloudWatch: metrics, and alarms that are evaluated as on AWS.

hooks           the hooks into MiniStack
hooks_metrics   metrics that are written without a request, told apart, and evicted
hooks_alarms    alarms that are evaluated, and act, by the files below
alarm_state     the state that an alarm has to be in
metric_math     the expressions that an alarm may be on
alarm_actions   what follows from a new state
alarm_messages  what CloudWatch sends about it, to programs and people
publisher       hands what was counted to CloudWatch
"""
