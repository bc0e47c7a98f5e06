"""The test of a staged endpoint: really invoked, with the records that its model was evaluated on.

records     the evaluation's CSV files, from S3
metrics     of the endpoint's predictions
invocation  calls of the endpoint, timed
captures    what data capture wrote of those calls
checks      the checks, each a function that says what is wrong
staging_test    all of them in order, on a stage
report      JUnit's XML
"""
