"""``local-aws logs``: what jobs, builds, functions, endpoints and executions have written, read through AWS's API.

log         a log: where it comes from, what is new in it, whether it is over
cloudwatch  logs that are streams of CloudWatch Logs
histories   executions, which tell themselves what has happened
kinds       the table: each kind of thing that has a log
command     a log is found by its name and printed; the list of all
parser      the options
"""
