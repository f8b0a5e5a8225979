"""listening tests: their clips, votes, and who has agreed to be heard in them

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'listening_test',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('guild_id', sa.BigInteger(), nullable=False),
        sa.Column('channel_id', sa.BigInteger(), nullable=False),
        sa.Column('moderator_id', sa.BigInteger(), nullable=False),
        sa.Column('locale', AutoString(), nullable=False),
        sa.Column('question', sa.String(16), nullable=False),
        sa.Column('state', sa.String(16), nullable=False),
        sa.Column('seed', sa.BigInteger(), nullable=False),
        sa.Column('reactions', sa.Boolean(), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('error_code', AutoString(), nullable=True),
        sa.Column('error_params', sa.JSON(), nullable=False),
        sa.Column('error_sentence', AutoString(), nullable=True),
        sa.Column('created_at', sa.Float(), nullable=False),
        sa.Column('ends_at', sa.Float(), nullable=False),
        sa.Column('ended_at', sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True,
    )
    op.create_index('ix_listening_test_guild_id', 'listening_test', ['guild_id'])
    op.create_index('ix_listening_test_state', 'listening_test', ['state'])
    op.create_table(
        'listening_clip',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('test_id', sa.Integer(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('role', sa.String(16), nullable=False),
        sa.Column('owner_id', sa.BigInteger(), nullable=True),
        sa.Column('model', AutoString(), nullable=False),
        sa.Column('job_id', AutoString(), nullable=True),
        sa.Column('source_key', AutoString(), nullable=True),
        sa.Column('media_key', AutoString(), nullable=True),
        sa.Column('message_id', sa.BigInteger(), nullable=True),
        sa.Column('tried_at', sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(['test_id'], ['listening_test.id']),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True,
    )
    for name in ('test_id', 'owner_id', 'job_id', 'message_id'):
        op.create_index(f'ix_listening_clip_{name}', 'listening_clip', [name])
    op.create_table(
        'listening_vote',
        sa.Column('clip_id', sa.Integer(), nullable=False),
        sa.Column('rater_id', sa.BigInteger(), nullable=False),
        sa.Column('value', sa.Integer(), nullable=False),
        sa.Column('at', sa.Float(), nullable=False),
        sa.Column('lying', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['clip_id'], ['listening_clip.id']),
        sa.PrimaryKeyConstraint('clip_id', 'rater_id'),
    )
    op.create_index('ix_listening_vote_rater_id', 'listening_vote', ['rater_id'])
    op.create_table(
        'listening_consent',
        sa.Column('user_id', sa.BigInteger(), nullable=False),
        sa.Column('guild_id', sa.BigInteger(), nullable=False),
        sa.Column('agreed', sa.Boolean(), nullable=False),
        sa.Column('at', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('user_id', 'guild_id'),
    )


def downgrade() -> None:
    for name in ('listening_consent', 'listening_vote', 'listening_clip', 'listening_test'):
        op.drop_table(name)
