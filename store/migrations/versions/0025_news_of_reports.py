"""what the moderators' message about a report does not show yet, and whether its member knows that it was removed

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ('outdated', 'told'):
        op.add_column('member_report', sa.Column(name, sa.Boolean(), nullable=False, server_default='0'))
    op.execute("UPDATE member_report SET told = true")  # what was removed before is no news any more


def downgrade() -> None:
    for name in ('told', 'outdated'):
        op.drop_column('member_report', name)
