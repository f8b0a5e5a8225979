"""messages wait for Discord, and messages that have to go

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('outbox', sa.Column('waited', sa.Float(), nullable=False, server_default='0'))
    op.add_column('outbox', sa.Column('tried_at', sa.Float(), nullable=True))
    op.add_column('job', sa.Column('card_tried_at', sa.Float(), nullable=True))
    op.execute("UPDATE outbox SET tried_at = created_at, sent_channel_id = channel_id WHERE state = 'pending'")
    op.create_table(
        'deletion',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('job_id', AutoString(), nullable=False),
        sa.Column('channel_id', sa.BigInteger(), nullable=False),
        sa.Column('message_id', sa.BigInteger(), nullable=True),
        sa.Column('since', sa.Float(), nullable=False),
        sa.Column('waited', sa.Float(), nullable=False),
        sa.Column('next_try_at', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table('deletion')
    op.drop_column('job', 'card_tried_at')
    op.drop_column('outbox', 'tried_at')
    op.drop_column('outbox', 'waited')
