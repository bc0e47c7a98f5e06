"""A service in twenty lines: what CONTRIBUTING says that it takes is all that it takes."""

import uuid
from collections.abc import Mapping

from localaws.document import Document
from localaws.service.program import parser, serve
from localaws.service.service import Handler, Service
from localaws.storage.store import Resource


class Snapshots(Service):
    """Amazon FSx, as far as making a snapshot."""

    name = "fsx"

    def handlers(self) -> Mapping[str, Handler]:
        return {"CreateSnapshot": self._create}

    def recover(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _create(self, request: Document) -> Document:
        return self.context.once("fsx.CreateSnapshot", request, lambda: self._take(request["Name"]))

    def _take(self, name: str) -> Document:
        number = f"fsvolsnap-{uuid.uuid4().hex[:17]}"
        snapshot = {"SnapshotId": number, "Name": name, "ResourceARN": self.context.arn("fsx", number)}
        self.context.store.add(Resource("fsx/snapshot", number, snapshot["ResourceARN"], snapshot))
        self.context.outbox.event("fsx", "FSx Snapshot Created", snapshot, [snapshot["ResourceARN"]])
        return {"Snapshot": snapshot}


if __name__ == "__main__":
    serve(parser("tests.fsx", "Amazon FSx, as far as making a snapshot.", 4569).parse_args(), [Snapshots])
