"""Metric data: a store of their own, and the four operations on them.

1. `datum` checks what PutMetricData brings, and reads it.
2. `store` keeps it in a SQLite file, a row for each metric and second, and `retention` says how long, and how rows of
   seconds become rows of minutes, of five minutes, and of hours. `distribution` is what percentiles are made of.
3. `recorder` writes in one thread and reads in a few, so that the event loop waits for neither.
4. `statistic` knows CloudWatch's statistics by name; `metric_statistics`, `metric_data` (with the expressions of
   `localaws.ministack.cloudwatch.metric_math`) and `metric_list` are the operations that read.
5. `wire` reads requests and writes answers in the three protocols that CloudWatch has; `operations` joins it all.

The price: a datum costs a request some 0.1 ms; a metric that is reported every second has at most 10,800 rows of
seconds, 21,600 of minutes, 18,144 of five minutes and 10,920 of hours, however long local AWS runs.
"""
