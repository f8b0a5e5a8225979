"""What members say of the songs of a library."""

from sqlmodel import Field, SQLModel

from store.tables import now, snowflake


class SongOpinion(SQLModel, table=True):
    """Whether a member likes a song (👍, or picked at first use) or not (👎); it goes with its song or member."""

    __tablename__ = "song_opinion"
    user_id: int = snowflake(primary_key=True)
    song_id: int = Field(foreign_key="song.id", ondelete="CASCADE", primary_key=True, index=True)
    likes: bool
    given_at: float = Field(default_factory=now)
