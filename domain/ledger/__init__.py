"""What is told of the logs' checkpoints outside of the logs: in the platform's own log."""
