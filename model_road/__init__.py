"""What the commands of `pipelines` and of `deploy` have in common.

Where the AWS API is, and what is found there already (`environment`); how a command tells an error and with which
status it ends (`command`, `errors`); how a report's metrics are read (`quality`). It imports neither of the two.
"""
