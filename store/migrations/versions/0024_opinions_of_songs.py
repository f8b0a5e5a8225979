"""which songs members like

Revision: 0024, after 0023
"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'song_opinion',
        sa.Column('user_id', sa.BigInteger(), nullable=False),
        sa.Column('song_id', sa.Integer(), nullable=False),
        sa.Column('likes', sa.Boolean(), nullable=False),
        sa.Column('given_at', sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(['song_id'], ['song.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('user_id', 'song_id'),
    )
    op.create_index('ix_song_opinion_song_id', 'song_opinion', ['song_id'])


def downgrade() -> None:
    op.drop_table('song_opinion')
