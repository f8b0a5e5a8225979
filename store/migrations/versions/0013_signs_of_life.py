"""processes of the service give a sign of life; indexes for the line, for retention and for messages that wait

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'sign_of_life',
        sa.Column('process', AutoString(), nullable=False),
        sa.Column('role', AutoString(), nullable=False),
        sa.Column('seen_at', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('process'),
    )


def downgrade() -> None:
    op.drop_table('sign_of_life')
