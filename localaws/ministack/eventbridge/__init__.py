"""What EventBridge and its Scheduler do once a rule matches or a schedule is due: the way from an event to a target.

1. `target_input`: what the target is given: the event, a part of it, a constant, or a template filled from it.
2. `targets`: the call that a target stands for, such as StartPipelineExecution for the ARN of a pipeline. A target that
   is not in its table is refused by PutTargets, not dropped when an event comes.
3. `courier`: makes the calls, in threads, from a queue on disk: a delivery that was taken is made even after a kill. It
   retries as the target's retry policy says, and puts what cannot be delivered into the
   target's dead-letter queue (`failures`).

MiniStack keeps rules, buses and schedules, and matches patterns.
"""
