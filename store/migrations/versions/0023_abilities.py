"""what jobs need, and what workers can

Revision: 0023, after 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

NEW = ('lanes', 'models', 'device', 'memory_gb')


def upgrade() -> None:
    op.create_table(
        'need',
        sa.Column('job_id', AutoString(), nullable=False),
        sa.Column('role', sa.String(length=16), nullable=False),
        sa.Column('model', AutoString(), nullable=False),
        sa.ForeignKeyConstraint(['job_id'], ['job.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('job_id', 'role'),
    )
    op.create_index('ix_need_model', 'need', ['model'])
    op.execute('DELETE FROM sign_of_life')  # who lives says so again within seconds
    for name, kind in zip(NEW, (sa.JSON(), sa.JSON(), AutoString(), sa.Float()), strict=True):
        default = {'lanes': "'[]'", 'models': "'[]'", 'device': "''", 'memory_gb': '0'}[name]
        op.add_column('sign_of_life', sa.Column(name, kind, nullable=False, server_default=sa.text(default)))


def downgrade() -> None:
    for name in reversed(NEW):
        op.drop_column('sign_of_life', name)
    op.drop_table('need')
