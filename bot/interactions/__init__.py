"""What every command and button is made of: services, attachments, persistent components, answers."""
