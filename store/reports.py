"""Reports in the rows: what leaves with a member who is forgotten."""

from sqlmodel import Session, select

from store import deletions
from store.report_tables import MemberReport


def forget(session: Session, user_id: int) -> int:
    """Remove the reports of a member's results, and their name from what they reported; the messages that have to go.

    That they are blocked stays.
    """
    messages = 0
    for report in session.exec(select(MemberReport).where(MemberReport.user_id == user_id)).all():
        place = report.staff_channel_id, report.staff_message_id, report.tried_at
        messages += deletions.order(session, report.mark, *place)
        session.delete(report)
    for report in session.exec(select(MemberReport).where(MemberReport.reporter_id == user_id)).all():
        report.reporter_id = 0
        session.add(report)
    return messages
