"""whether the channel of a listening test that failed was told

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('listening_test', sa.Column('told', sa.Boolean(), nullable=False, server_default='0'))
    op.execute("UPDATE listening_test SET told = true")  # of those that failed before nobody waits for a word


def downgrade() -> None:
    op.drop_column('listening_test', 'told')
