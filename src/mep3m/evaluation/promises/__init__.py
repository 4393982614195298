"""What a promise of precision holds beside its threshold: branches with their own, and prediction sets."""
