"""What MiniStack's CloudFormation lacks: the types of SageMaker, provisioned by its API as on AWS.

``localaws.ministack`` hooks the provisioners in; they reach SageMaker through boto3, from a worker thread.
"""
