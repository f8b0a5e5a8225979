"""a job has a lane and a turn, and counts the seconds that earlier attempts worked

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

NEW = ('lane', 'turn', 'worked')


def upgrade() -> None:
    op.add_column('job', sa.Column('lane', sa.String(length=16), nullable=False, server_default='heavy'))
    op.add_column('job', sa.Column('turn', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('job', sa.Column('worked', sa.Float(), nullable=False, server_default='0'))
    op.execute("UPDATE job SET lane = 'quick' WHERE kind = 'match'")


def downgrade() -> None:
    for name in reversed(NEW):
        op.drop_column('job', name)
