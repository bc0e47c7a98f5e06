"""The operations of CloudWatch Logs."""

from collections.abc import Mapping

from localaws.document import Document
from localaws.service.context import Context
from localaws.service.service import Handler, Service
from localaws.services.logs.errors import InvalidParameter
from localaws.services.logs.event_file import EventFile
from localaws.services.logs.filtering import Filtering
from localaws.services.logs.groups import Groups
from localaws.services.logs.insights.queries import Queries
from localaws.services.logs.metric_filters import MetricFilters
from localaws.services.logs.policies import Policies
from localaws.services.logs.streams import Streams
from localaws.services.logs.subscriptions import Subscriptions
from localaws.services.logs.sweeper import Sweeper
from localaws.services.logs.writing import STAND_IN, Writing, are_plain
from localaws.settings import log_bytes, time_scale


class Logs(Service):
    """Groups, streams, events, filters and queries.

    Parameters
    ----------
    context : Context
    """

    name = "logs"
    invalid = InvalidParameter
    token_mismatch = InvalidParameter

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        file = EventFile(context.account_dir / "logs" / "events.sqlite")
        self._groups = Groups(context, file)
        self._streams = Streams(self._groups, file)
        self._metric_filters = MetricFilters(context, self._groups, file, time_scale())
        self._subscriptions = Subscriptions(context, self._groups, file)
        self._writing = Writing(self._groups, self._streams, file, self._written)
        self._filtering = Filtering(self._groups, self._streams, file)
        self._policies = Policies(context.store, self._groups)
        self._queries = Queries(context, self._groups, file)
        self._sweeper = Sweeper(self._groups, file, log_bytes())

    def handlers(self) -> Mapping[str, Handler]:
        """Return the supported operations."""
        groups, streams, metric_filters = self._groups, self._streams, self._metric_filters
        return {
            "CreateLogGroup": groups.create,
            "DeleteLogGroup": self._swept(groups.delete),
            "DescribeLogGroups": groups.describe,
            "PutRetentionPolicy": self._swept(groups.put_retention),
            "DeleteRetentionPolicy": groups.delete_retention,
            "PutLogGroupDeletionProtection": groups.put_deletion_protection,
            "AssociateKmsKey": groups.associate_key,
            "DisassociateKmsKey": groups.disassociate_key,
            "TagResource": groups.tag_resource,
            "UntagResource": groups.untag_resource,
            "ListTagsForResource": groups.tags_of_resource,
            "TagLogGroup": groups.tag,
            "UntagLogGroup": groups.untag,
            "ListTagsLogGroup": groups.tags,
            "CreateLogStream": streams.create,
            "DeleteLogStream": self._swept(streams.delete),
            "DescribeLogStreams": streams.describe,
            "PutLogEvents": self._writing.put,
            "GetLogEvents": self._filtering.get,
            "FilterLogEvents": self._filtering.filter,
            "PutMetricFilter": metric_filters.put,
            "DeleteMetricFilter": metric_filters.delete,
            "DescribeMetricFilters": metric_filters.describe,
            "TestMetricFilter": metric_filters.test,
            "PutSubscriptionFilter": self._subscriptions.put,
            "DeleteSubscriptionFilter": self._subscriptions.delete,
            "DescribeSubscriptionFilters": self._subscriptions.describe,
            "PutResourcePolicy": self._policies.put,
            "DeleteResourcePolicy": self._policies.delete,
            "DescribeResourcePolicies": self._policies.describe,
            "StartQuery": self._queries.start,
            "GetQueryResults": self._queries.results,
            "StopQuery": self._queries.stop,
            "DescribeQueries": self._queries.describe,
            "GetLogRecord": self._queries.record,
            "GetLogGroupFields": self._queries.fields,
        }

    def call(self, operation: str, request: Document) -> Document:
        """Check and carry out a request; of 10,000 events, the model checks one."""
        events = request.get("logEvents")
        if operation != "PutLogEvents" or not are_plain(events):
            return super().call(operation, request)
        self.check(operation, {**request, "logEvents": STAND_IN})
        return self._writing.put(request)

    def recover(self) -> None:
        """Go on with what reacts to events."""
        self._queries.recover()
        self._metric_filters.start()
        self._subscriptions.follower.start()
        self._sweeper.start()

    def close(self) -> None:
        """End all threads; what they have not done yet is done after the next start."""
        for each in (self._queries, self._metric_filters, self._subscriptions.follower, self._sweeper):
            each.close()

    def _written(self) -> None:
        self._metric_filters.follower.wake()
        self._subscriptions.follower.wake()

    def _swept(self, operation: Handler) -> Handler:
        def carry_out(request: Document) -> Document:
            answer = operation(request)
            self._sweeper.wake()
            return answer

        return carry_out
