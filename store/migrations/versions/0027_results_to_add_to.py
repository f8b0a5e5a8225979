"""a result whose measuring was cut short by the end of its worker is found by the next one

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('job', sa.Column('to_add_since', sa.Float(), nullable=True))
    op.create_index('ix_job_to_add_since', 'job', ['to_add_since'])


def downgrade() -> None:
    needed = "SELECT id FROM job WHERE state NOT IN ('accepted', 'queued', 'leased', 'running')"
    op.execute(f'DELETE FROM need WHERE job_id IN ({needed})')  # 0026 knows no job that is over and needs a model
    op.drop_index('ix_job_to_add_since', 'job')
    op.drop_column('job', 'to_add_since')
