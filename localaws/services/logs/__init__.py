"""CloudWatch Logs: groups, streams and events, filters, queries.

1. Groups, their filters and policies are resources of the account's store. Streams and events are in a SQLite file of
   their own (`event_file`): appending costs the same however large it is.
2. PutLogEvents answers once its events are committed. Pages of GetLogEvents and FilterLogEvents are bounded in events,
   bytes and time, as on AWS (`reading`): nothing that a log has grown to stops the server.
3. What reacts to events (metric filters, subscriptions) follows the file at its own pace (`follower`), from a position
   that is stored with what it did.
4. What is past its group's retention is not shown, and a thread deletes it in small steps (`sweeper`).

filter patterns are in `patterns`, Logs Insights is in `insights`.
"""
