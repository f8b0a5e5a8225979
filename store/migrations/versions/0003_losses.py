"""a job counts its losses, and when it was given back

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('job', sa.Column('losses', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('job', sa.Column('requeued_at', sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column('job', 'requeued_at')
    op.drop_column('job', 'losses')
