"""AWS Lambda: how functions start, fail and are counted.

hooks    what is hooked into MiniStack
metrics  what Lambda tells CloudWatch
"""
