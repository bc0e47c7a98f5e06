"""Lineage and experiments: what was made from what.

recording       what jobs, models and packages record automatically
graph           artifacts, actions, contexts and their associations in the store
associations    AddAssociation, DeleteAssociation, ListAssociations, QueryLineage
experiments     experiments, trials and trial components
trial_metrics   the service `sagemaker-metrics`: BatchPutMetrics, BatchGetMetrics
metric_points   the data points of trial components' metrics in the store
metric_summary  what DescribeTrialComponent says of a metric
"""
