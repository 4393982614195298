"""Quality checks: broken, tiny, blank, blurred images; empty, short, long, foreign titles."""
