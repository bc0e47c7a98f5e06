"""AWS Lambda: how functions start, fail and are counted.

hooks           the hooks into MiniStack
hooks_workers   how functions are run, and how their exceptions are reported
hooks_archives  zip files of functions and layers
hooks_payloads  events and results that are large, or no JSON
hooks_warm      how many environments stay warm
hooks_logs      what of their output is kept, and to which invocation it belongs
hooks_metrics   what is counted of them
payloads        how large an event may be
metrics         the metrics of functions
"""
