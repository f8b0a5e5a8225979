"""notes wait in a basket until they are trained on; a voice is trained anew

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'basket_note',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.BigInteger(), nullable=False),
        sa.Column('guild_id', sa.BigInteger(), nullable=True),
        sa.Column('media_key', AutoString(), nullable=False),
        sa.Column('name', AutoString(), nullable=False),
        sa.Column('bytes', sa.Integer(), nullable=False),
        sa.Column('source', AutoString(), nullable=False),
        sa.Column('state', sa.String(16), nullable=False),
        sa.Column('seconds', sa.Float(), nullable=False),
        sa.Column('embedding', sa.JSON(), nullable=False),
        sa.Column('model', AutoString(), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('error_code', AutoString(), nullable=True),
        sa.Column('error_params', sa.JSON(), nullable=False),
        sa.Column('error_sentence', AutoString(), nullable=True),
        sa.Column('created_at', sa.Float(), nullable=False),
        sa.Column('expires_at', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('user_id', 'media_key', name='uq_basket_note_user_media'),
        sqlite_autoincrement=True,
    )
    for name in ('user_id', 'media_key', 'state', 'expires_at'):
        op.create_index(f'ix_basket_note_{name}', 'basket_note', [name])
    op.add_column('voice', sa.Column('next_job_id', AutoString(), nullable=True))
    op.create_index('ix_voice_next_job_id', 'voice', ['next_job_id'])


def downgrade() -> None:
    op.drop_index('ix_voice_next_job_id', 'voice')
    op.drop_column('voice', 'next_job_id')
    op.drop_table('basket_note')
