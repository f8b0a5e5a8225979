"""What a member is asked before a voice is made: with a sentence to read aloud, or with a yes alone."""

import asyncio
import random

import discord

from bot.interactions.components import AnswerButton
from bot.interactions.replies import replace
from bot.interactions.services import Interaction, services_of, texts_for
from bot.interactions.uploads import upload_form
from bot.texts.names import safe
from bot.texts.sentences import Texts
from store import voices
from store.params import train_params
from store.use_cases import BasketTraining, agree, decline, keep_days_of_basket, open_training

READING = "consent:read:"
WORDS, WORDS_AT_ONCE = 6, 16
"""How many are drawn for a sentence. A voice at once may have no other recording, and takes ten seconds of voice; a
quick reader says twelve in nine."""


def sentence_to_read(say: Texts, *, at_once: bool = False) -> str:
    """A sentence for this occasion, so that no earlier recording has it."""
    words = random.SystemRandom().sample(say("consent.words").split(), WORDS_AT_ONCE if at_once else WORDS)
    return say("consent.sentence", words=", ".join(words))


def question(days: float, say: Texts, training: BasketTraining) -> str:
    """The consent card: what is made of the notes, whose voice, who sees it, how to delete it, how to say yes."""
    params = train_params(training.job)
    key = {0: "consent.no_note", 1: "consent.one_note"}.get(training.notes, "consent.notes")
    sent = say(key, number=training.notes, minutes=training.seconds / 60)
    making = "instant" if params.instant else "anew" if training.anew else "training"
    left_out = f"\n{say('consent.left_out', number=training.left_out)}" if training.left_out else ""
    reads = say("consent.read", sentence=params.sentence)
    return say(
        "consent.question",
        making=say(f"consent.{making}", voice=safe(training.voice_name), notes=sent) + left_out,
        days=days,
        answer=reads if params.sentence else say("consent.recorded", phrase=say("consent.phrase")),
        policy=voices.POLICY_VERSION,
    ).strip()


def consent_view(job_id: str, say: Texts, *, reads: bool = False) -> discord.ui.View:
    """Both answers to the question; yes sends the recording of a sentence that has to be read."""
    return ConsentButton.both(say("consent.send" if reads else "consent.yes"), say("consent.no"), job=job_id)


def asked(days: float, say: Texts, training: BasketTraining) -> tuple[str, discord.ui.View]:
    """The question and its answers."""
    reads = bool(train_params(training.job).sentence)
    return question(days, say, training), consent_view(training.job.id, say, reads=reads)


class ConsentButton(AnswerButton, template=r"consent:(?P<answer>yes|no):(?P<job>[0-9a-f]{32})"):
    """Consent to the training of this job, or not."""

    style = discord.ButtonStyle.success
    job: str

    async def pressed(self, interaction: Interaction) -> None:
        """Ask for the recording of the sentence, if there is one to read; else do what was answered."""
        services, say, member = services_of(interaction), texts_for(interaction), interaction.user.id
        if self.answer == "no":
            await super().pressed(interaction)
            return
        training = await asyncio.to_thread(open_training, services.store, self.job, member)
        if train_params(training.job).sentence:
            form = upload_form(f"{READING}{self.job}", say("consent.form"), say("consent.file"))
            await interaction.response.send_modal(form)
        elif services.settings.read_aloud:  # asked before this was asked for
            await interaction.response.defer()
            sentence = sentence_to_read(say, at_once=train_params(training.job).instant)
            training = await asyncio.to_thread(open_training, services.store, self.job, member, sentence)
            days = await asyncio.to_thread(keep_days_of_basket, services.store, member, interaction.guild_id)
            await replace(interaction, *asked(days, say, training))
        else:
            await super().pressed(interaction)

    async def accepted(self, interaction: Interaction) -> None:
        """Record the consent and queue the training, whose card takes the place of the question."""
        services, phrase = services_of(interaction), texts_for(interaction)("consent.phrase")
        member, token = interaction.user.id, interaction.token
        job = await asyncio.to_thread(agree, services.store, self.job, member, phrase, token)
        await services.launch(job)

    async def declined(self, interaction: Interaction) -> None:
        """Train nothing; the notes stay in the basket."""
        await asyncio.to_thread(decline, services_of(interaction).store, self.job, interaction.user.id)
        await replace(interaction, texts_for(interaction)("consent.declined"))
