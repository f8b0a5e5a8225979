"""moderators of a server may have its notes, songs and results go earlier than the operator

Revision: 0020, after 0019
"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('guild_setting', sa.Column('keep_days', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('guild_setting', 'keep_days')
