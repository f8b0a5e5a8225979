"""songs and singers belong to a server, or (0) to all

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('song', sa.Column('guild_id', sa.BigInteger(), nullable=False, server_default='0'))
    op.create_index('ix_song_guild_id', 'song', ['guild_id'])
    with op.batch_alter_table('singer', table_kwargs={'sqlite_autoincrement': True}) as table:
        table.add_column(sa.Column('guild_id', sa.BigInteger(), nullable=False, server_default='0'))
        table.drop_constraint('uq_singer_name_model', type_='unique')
        table.create_unique_constraint('uq_singer_name_model_guild', ['name', 'embedding_model', 'guild_id'])


def downgrade() -> None:
    op.execute('DELETE FROM singer WHERE guild_id != 0')
    op.execute('DELETE FROM song WHERE guild_id != 0')
    with op.batch_alter_table('singer', table_kwargs={'sqlite_autoincrement': True}) as table:
        table.drop_constraint('uq_singer_name_model_guild', type_='unique')
        table.create_unique_constraint('uq_singer_name_model', ['name', 'embedding_model'])
        table.drop_column('guild_id')
    op.drop_index('ix_song_guild_id', 'song')
    op.drop_column('song', 'guild_id')
