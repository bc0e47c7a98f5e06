"""What MiniStack's services log, for CloudWatch Logs, which is a service of ours (`localaws.services.logs`).

1. `hooks_groups`: whatever of MiniStack writes log events into its own log groups, writes them to `writer`.
2. `writer`: collects events, from any thread, and sends them in batches from a thread of its own.
"""
