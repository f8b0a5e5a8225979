"""What was heard of the songs of a library."""

from sqlmodel import Field, SQLModel

from store.tables import document


class SongVocals(SQLModel, table=True):
    """What was heard of a song's separated vocals, as one model embedded them; no seconds where nobody sings."""

    __tablename__ = "song_vocals"
    song_id: int = Field(foreign_key="song.id", ondelete="CASCADE", primary_key=True)
    model: str = Field(primary_key=True)
    notes: dict[str, float] = document(dict)
    """Seconds that each note (a MIDI number) is held."""
    embedding: list[float] = document(list)
    seconds: float = 0.0
    key: str | None = None
    """"Am" is A minor, "A" is A major; "" if it is not clear, None if it was not listened for."""
    tempo: float | None = None
    """Beats a minute, if they are clear; half or double may be meant."""
