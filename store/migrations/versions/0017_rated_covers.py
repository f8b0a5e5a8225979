"""a member rates their own covers

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('job', sa.Column('rating', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('job', 'rating')
