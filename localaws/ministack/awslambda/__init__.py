"""AWS Lambda: how functions start, fail and are counted.

hooks          the hooks into MiniStack
hooks_workers  how functions are run, and how their exceptions are reported
hooks_metrics  what is counted of them
metrics        the metrics of functions
"""
