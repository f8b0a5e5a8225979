"""the key and the tempo of the library's songs, where they are clear

Revision: 0026, after 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('song_vocals', sa.Column('key', AutoString(), nullable=True))
    op.add_column('song_vocals', sa.Column('tempo', sa.Float(), nullable=True))


def downgrade() -> None:
    for name in ('tempo', 'key'):
        op.drop_column('song_vocals', name)
