"""the recording of a sentence that is read aloud before a training is a note of its member's basket

Revision: 0022, after 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('basket_note', sa.Column('reads_for', AutoString(), nullable=True))


def downgrade() -> None:
    op.drop_column('basket_note', 'reads_for')
