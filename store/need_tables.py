"""What jobs need: models, each in a role."""

from enum import StrEnum

from sqlmodel import Field, SQLModel

from store.tables import choice


class ModelRole(StrEnum):
    """What a job needs a model for."""

    SEPARATOR = "separator"
    CONTENT = "content"
    BASE = "base"


class Need(SQLModel, table=True):
    """A model without which no worker can do a job, by its name in the catalogue; a job that is over has none."""

    __tablename__ = "need"
    job_id: str = Field(foreign_key="job.id", ondelete="CASCADE", primary_key=True)
    role: ModelRole = choice(ModelRole, primary_key=True)
    model: str = Field(index=True)
