"""Takes a job and has the pipeline do it in a child process. The bot imports only `worker.doorbell`."""
