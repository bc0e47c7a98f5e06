"""CloudWatch: metrics, and alarms that are evaluated as on AWS.

hooks           the hooks into MiniStack
hooks_metrics   metric data that are kept, and asked for, in `data`
hooks_alarms    alarms that are evaluated, and act, by the files below
data            the store of metric data, and the operations on it
alarm_request   what an alarm may be
alarm_data      what an alarm is decided by
alarm_state     the state that an alarm has to be in
metric_math     the expressions of alarms and of GetMetricData
alarm_actions   what follows from a new state
alarm_messages  what CloudWatch sends about it, to programs and people
publisher       hands what was counted to CloudWatch
"""
