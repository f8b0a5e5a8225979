"""indexes for a line of thousands: in its order, by how long a job waits, and how long such jobs took

Revision: 0018, after 0017
"""

from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_job_line', 'job', ['state', 'lane', 'turn', 'queued_at', 'id', 'user_id'])
    op.create_index('ix_job_queued', 'job', ['state', 'queued_at'])
    op.create_index('ix_job_took', 'job', ['kind', 'lane', 'ended_at'])
    op.drop_index('ix_job_state', 'job')


def downgrade() -> None:
    op.create_index('ix_job_state', 'job', ['state'])
    for name in ('ix_job_took', 'ix_job_queued', 'ix_job_line'):
        op.drop_index(name, 'job')
