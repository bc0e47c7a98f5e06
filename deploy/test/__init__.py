"""The test of a staged endpoint: it is invoked with the records that its model was evaluated on.

records     the evaluation's CSV files, from S3
problems    what kind of problem the model solves: how targets and answers are read
prediction  an answer to one record
metrics     of the endpoint's predictions, where they are numbers
classes     of the endpoint's predictions, where they are labels
invocation  calls of the endpoint, timed
captures    what data capture wrote of those calls
checks      the checks, each a function that says what is wrong
staging_test    all of them in order, on a stage
report      JUnit's XML
"""
