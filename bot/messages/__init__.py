"""The bot's ordinary messages: the text of a card and of a result, and the way into a channel."""
