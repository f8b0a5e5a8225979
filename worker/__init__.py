"""Leases a job and performs it in a child process. The bot imports only `worker.doorbell`."""
