"""CloudWatch's alarms, which MiniStack keeps and decides in a way of its own.

    decision     the state that an alarm has to be in
    metric_math  the expressions that an alarm may be on
    actions      what follows from a new state
    messages     what CloudWatch says of it, to programs and people

``localaws.ministack.cloudwatch.hooks_alarms`` hooks them in.
"""
