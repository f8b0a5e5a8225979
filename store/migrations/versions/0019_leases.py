"""a lease that ran out is found by an index: jobs that have their result keep theirs while they are measured

Revision: 0019, after 0018
"""

from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_job_lease_until', 'job', ['lease_until'])


def downgrade() -> None:
    op.drop_index('ix_job_lease_until', 'job')
