"""The log: one JSON object a line on stdout, where SageMaker and Fargate collect it into CloudWatch Logs."""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """Writes a record as one line: time (UTC), level, logger, message, its ``fields``, any traceback.

    Whatever a caller sent is a JSON string there: it cannot start a line of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure_log(level: int) -> None:
    """Send every logger's records of a level and above, the script's too, to stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
