"""what Discord still shows of jobs that have left the database

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'shown',
        sa.Column('message_id', sa.BigInteger(), nullable=False),
        sa.Column('channel_id', sa.BigInteger(), nullable=False),
        sa.Column('job_id', AutoString(), nullable=False),
        sa.Column('user_id', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('message_id'),
    )
    op.create_index('ix_shown_job_id', 'shown', ['job_id'])
    op.create_index('ix_shown_user_id', 'shown', ['user_id'])


def downgrade() -> None:
    op.drop_table('shown')
