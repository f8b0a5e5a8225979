"""`discovervoice outbox`: the messages that have not reached Discord, and sending them again."""

from typing import Annotated

import typer
from rich.table import Table

from cli.console import DeskError, console, print_rows
from cli.jobs import the_one

app = typer.Typer(no_args_is_help=True, help="Messages that have not reached Discord.")


@app.command("list")
def list_messages() -> None:
    """List what waits for Discord and what was given up; nobody is named."""
    from bot.messages.post import mark
    from store import open_store
    from store.tables import now
    from store.use_cases import unsent_messages

    table = Table("job", "kind", "ended as", "message", "hours old", "refused", "waited for Discord")
    for message in unsent_messages(open_store()):
        job, row = message.job, message.row
        state = "waits" if row.state == "pending" else "given up"
        age, waited = f"{(now() - row.created_at) / 3600:.1f}", f"{row.waited / 60:.0f} min"
        table.add_row(mark(job.id), job.kind.value, job.state.value, state, age, str(row.tries), waited)
    print_rows(table, "No message waits for Discord, and none was given up.")


@app.command("resend")
def resend(
    job: Annotated[str, typer.Argument(help="The job's id, or its first digits as its member reads them.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every message of the list.")] = False,
) -> None:
    """Have the bot send a message again within seconds, as if it had never been tried."""
    from store import open_store
    from store.use_cases import send_again, unsent_messages

    if bool(job) == every:
        raise DeskError("Give either a job or --all.")
    store = open_store()
    unsent = [message.job.id for message in unsent_messages(store)]
    chosen = unsent if every else [the_one(unsent, job, "outbox list")]
    send_again(store, chosen)
    number = "1 message is" if len(chosen) == 1 else f"{len(chosen)} messages are"
    console.print(f"{number} due now; the bot sends what is due every few seconds.", soft_wrap=True)
