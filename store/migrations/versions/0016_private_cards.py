"""cards are private: a job keeps its interaction's token while that lives, and cards in channels are no more

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

ACTIVE = "('accepted', 'queued', 'leased', 'running')"
GONE = ('card_message_id', 'card_channel_id', 'card_tried_at')


def upgrade() -> None:
    op.add_column('job', sa.Column('reply_token', AutoString(), nullable=True))
    op.add_column('job', sa.Column('reply_until', sa.Float(), nullable=True))
    op.create_index('ix_job_reply_until', 'job', ['reply_until'])
    op.add_column('deletion', sa.Column('reply_token', AutoString(), nullable=True))
    posted = 'FROM job WHERE card_message_id IS NOT NULL AND card_channel_id IS NOT NULL AND user_id != 0 AND state'
    op.execute(  # nobody would edit them any more
        'INSERT INTO deletion (job_id, channel_id, message_id, since, waited, next_try_at)'
        f' SELECT id, card_channel_id, card_message_id, 0, 0, 0 {posted} IN {ACTIVE}'
    )
    op.execute(
        'INSERT INTO shown (message_id, channel_id, job_id, user_id)'
        f' SELECT card_message_id, card_channel_id, id, user_id {posted} NOT IN {ACTIVE} ON CONFLICT DO NOTHING'
    )
    for name in GONE:
        op.drop_column('job', name)


def downgrade() -> None:
    op.add_column('job', sa.Column('card_message_id', sa.BigInteger(), nullable=True))
    op.add_column('job', sa.Column('card_channel_id', sa.BigInteger(), nullable=True))
    op.add_column('job', sa.Column('card_tried_at', sa.Float(), nullable=True))
    op.drop_column('deletion', 'reply_token')
    op.drop_index('ix_job_reply_until', 'job')
    for name in ('reply_until', 'reply_token'):
        op.drop_column('job', name)
