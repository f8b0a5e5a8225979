"""What `/mos status` and `/mos report` show."""

from collections import Counter

from bot.mos.figures import GroupOpinion, figures_of
from bot.mos.opinion import Opinion
from bot.mos.picture import group_name
from bot.texts.names import MESSAGE_LENGTH, safe, shorten
from bot.texts.sentences import Texts
from store import ListeningState
from store.use_cases import ListeningVotes


def status(votes: ListeningVotes, say: Texts) -> str:
    """How far a test is: its state, clips that are shown, votes, time left."""
    test = votes.test
    lines = [heading(votes, say)]
    shown = sum(clip.message_id is not None for clip in votes.clips)
    raters = len({vote.rater_id for vote in votes.votes})
    lines.append(say("mos.counts", shown=shown, clips=len(votes.clips), votes=len(votes.votes), raters=raters))
    if test.state is ListeningState.RUNNING:
        lines.append(say("mos.ends", time=f"<t:{int(test.ends_at)}:R>"))
        lines.append(say("mos.secret") if test.reactions else say("mos.menu_only"))
    if test.state is ListeningState.FAILED:
        lines.append(say.error(test.error_code or "", test.error_params, test.error_sentence or ""))
    return "\n".join(lines)


def report(votes: ListeningVotes, say: Texts) -> str:
    """The opinions with their intervals, who was left out, agreement, and what the figures are not."""
    figures = figures_of(votes)
    lines = [heading(votes, say)]
    if not figures.ratings:
        return f"{lines[0]}\n{say('mos.no_votes')}"
    lines.append(say("mos.raters", raters=figures.raters, votes=len(figures.ratings)))
    lines += [_group(group, say) for group in figures.groups]
    for reason, number in sorted(Counter(figures.screened.values()).items()):
        lines.append(say("mos.screened", number=number, reason=say(f"mos.failing.{reason.value}")))
    if figures.interval_alpha is not None and figures.ordinal_alpha is not None:
        lines.append(say("mos.alpha", interval=figures.interval_alpha, ordinal=figures.ordinal_alpha))
    lines += [say("mos.interval"), say("mos.caveat").strip()]
    return shorten("\n".join(lines), MESSAGE_LENGTH)


def heading(votes: ListeningVotes, say: Texts) -> str:
    """Number, question and state."""
    test = votes.test
    state, question = say(f"mos.state.{test.state.value}"), say(f"mos.about.{test.question.value}")
    return say("mos.title", number=test.id, question=question, state=state)


def _group(group: GroupOpinion, say: Texts) -> str:
    name = safe(group_name(group, say))
    if group.opinion is None:
        return say("mos.group_empty", group=name)
    return say("mos.group", group=name, opinion=_shown(group.opinion, say), clips=group.opinion.clips)


def _shown(found: Opinion, say: Texts) -> str:
    if found.low is None or found.high is None:
        return say("mos.mean", mean=found.mean, votes=found.ratings)
    return say("mos.mean_interval", mean=found.mean, low=found.low, high=found.high, votes=found.ratings)
