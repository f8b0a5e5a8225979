"""a lease that ran out is found by an index: jobs that have their result keep theirs while they are measured

<<<<<<<< HEAD:store/migrations/versions/0018_leases.py
Revision: 0018, after 0017
========
Revision: 0019, after 0018
>>>>>>>> deliver:store/migrations/versions/0019_leases.py
"""

from alembic import op

<<<<<<<< HEAD:store/migrations/versions/0018_leases.py
revision = '0018'
down_revision = '0017'
========
revision = '0019'
down_revision = '0018'
>>>>>>>> deliver:store/migrations/versions/0019_leases.py
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_job_lease_until', 'job', ['lease_until'])


def downgrade() -> None:
    op.drop_index('ix_job_lease_until', 'job')
