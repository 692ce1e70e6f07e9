"""Commands about data for training: how sessions are divided."""
