"""what was heard of the library's songs, in place of columns that nothing wrote

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

UNUSED = ('low_note', 'high_note', 'song_key')


def upgrade() -> None:
    op.create_table(
        'song_vocals',
        sa.Column('song_id', sa.Integer(), nullable=False),
        sa.Column('model', AutoString(), nullable=False),
        sa.Column('notes', sa.JSON(), nullable=False),
        sa.Column('embedding', sa.JSON(), nullable=False),
        sa.Column('seconds', sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(['song_id'], ['song.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('song_id', 'model'),
    )
    for name in UNUSED:
        op.drop_column('song', name)


def downgrade() -> None:
    op.add_column('song', sa.Column('low_note', sa.Float(), nullable=True))
    op.add_column('song', sa.Column('high_note', sa.Float(), nullable=True))
    op.add_column('song', sa.Column('song_key', AutoString(), nullable=True))
    op.drop_table('song_vocals')
