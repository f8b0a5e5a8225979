"""reports of results, whom moderators have blocked, and reasons in the audit

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'member_report',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('guild_id', sa.BigInteger(), nullable=False),
        sa.Column('job_id', AutoString(), nullable=False),
        sa.Column('user_id', sa.BigInteger(), nullable=False),
        sa.Column('reporter_id', sa.BigInteger(), nullable=False),
        sa.Column('reason', sa.String(16), nullable=False),
        sa.Column('channel_id', sa.BigInteger(), nullable=False),
        sa.Column('message_id', sa.BigInteger(), nullable=False),
        sa.Column('staff_channel_id', sa.BigInteger(), nullable=True),
        sa.Column('staff_message_id', sa.BigInteger(), nullable=True),
        sa.Column('tried_at', sa.Float(), nullable=True),
        sa.Column('removed_by', sa.BigInteger(), nullable=True),
        sa.Column('warned_by', sa.BigInteger(), nullable=True),
        sa.Column('blocked_by', sa.BigInteger(), nullable=True),
        sa.Column('created_at', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True,
    )
    for name in ('guild_id', 'job_id', 'user_id'):
        op.create_index(f'ix_member_report_{name}', 'member_report', [name])
    op.create_table(
        'block',
        sa.Column('guild_id', sa.BigInteger(), nullable=False),
        sa.Column('user_id', sa.BigInteger(), nullable=False),
        sa.Column('moderator_id', sa.BigInteger(), nullable=False),
        sa.Column('reason', sa.String(16), nullable=False),
        sa.Column('at', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('guild_id', 'user_id'),
    )
    op.add_column('audit', sa.Column('guild_id', sa.BigInteger(), nullable=True))
    op.add_column('audit', sa.Column('reason', AutoString(), nullable=False, server_default=''))


def downgrade() -> None:
    for name in ('reason', 'guild_id'):
        op.drop_column('audit', name)
    for name in ('block', 'member_report'):
        op.drop_table(name)
