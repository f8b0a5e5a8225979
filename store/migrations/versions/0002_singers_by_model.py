"""a singer has one row for each model that embedded it

Revision: 0002, after 0001
"""

from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

UNIQUE = {"uq": "uq_%(table_name)s_%(column_0_name)s"}


def upgrade() -> None:
    with op.batch_alter_table('singer', schema=None, naming_convention=UNIQUE) as batch_op:
        batch_op.drop_constraint('uq_singer_name', type_='unique')
        batch_op.create_unique_constraint('uq_singer_name_model', ['name', 'embedding_model'])


def downgrade() -> None:
    with op.batch_alter_table('singer', schema=None) as batch_op:
        batch_op.drop_constraint('uq_singer_name_model', type_='unique')
        batch_op.create_unique_constraint('uq_singer_name', ['name'])
