"""a message is leased by the bot that sends it, so that several bots send none twice

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('outbox', sa.Column('lease_owner', AutoString(), nullable=True))
    op.add_column('outbox', sa.Column('lease_until', sa.Float(), nullable=True))


def downgrade() -> None:
    for name in ('lease_until', 'lease_owner'):
        op.drop_column('outbox', name)
