"""What operators write down about a run or a date: why a number is as it is. Notes are added and never overwritten."""

from shared.attributes import to_item
from shared.ledger.items import ANNOTATIONS, Annotation
from shared.ledger.table import LedgerTable, only_fields


class Annotating(LedgerTable):
    """Notes about runs and dates."""

    def annotate(self, note: Annotation) -> None:
        """Write a note down; the same one again changes nothing."""
        self._client.update_item(
            TableName=self._table,
            Key=to_item({"dataset": self._dataset + ANNOTATIONS, "run_id": note.key}),
            UpdateExpression=(
                "SET about = if_not_exists(about, :about), #text = if_not_exists(#text, :text),"
                " #time = if_not_exists(#time, :time), #by = if_not_exists(#by, :by)"
            ),
            ExpressionAttributeNames={"#text": "text", "#time": "time", "#by": "by"},
            ExpressionAttributeValues=to_item(
                {":about": note.about, ":text": note.text, ":time": note.time, ":by": note.by}
            ),
        )

    def annotations(self, *, about: str = "") -> list[Annotation]:
        """The notes about a run or a date, or all, in order of what they are about and of time."""
        begin = f"{about}#" if about else ""
        query = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "dataset = :d" + (" AND begins_with(run_id, :about)" if about else ""),
            "ExpressionAttributeValues": to_item(
                {":d": self._dataset + ANNOTATIONS} | ({":about": begin} if about else {})
            ),
        }
        return list(self._each(query, lambda values: only_fields(Annotation, values)))
