"""what the moderators of a server can set: no language is each member's own, a staff channel, listening tests

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('guild_setting') as table:
        table.alter_column('locale', existing_type=AutoString(), nullable=True)
        table.add_column(sa.Column('staff_channel_id', sa.BigInteger(), nullable=True))
        table.add_column(sa.Column('listening_tests', sa.Boolean(), nullable=False, server_default='1'))
        table.drop_column('clip_days')
    op.execute('UPDATE guild_setting SET locale = NULL')  # nobody could choose one before


def downgrade() -> None:
    op.execute("UPDATE guild_setting SET locale = 'en' WHERE locale IS NULL")
    with op.batch_alter_table('guild_setting') as table:
        table.add_column(sa.Column('clip_days', sa.Float(), nullable=False, server_default='30'))
        table.drop_column('listening_tests')
        table.drop_column('staff_channel_id')
        table.alter_column('locale', existing_type=AutoString(), nullable=False)
