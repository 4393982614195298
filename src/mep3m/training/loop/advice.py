"""What to change when a run cannot go on."""

from __future__ import annotations

from mep3m.settings.training import TrainingSettings


def out_of_memory(settings: TrainingSettings, pixels: int | None) -> str:
    """Return what to change when the memory does not suffice."""
    half = max(settings.batch // 2, 2)
    smaller = f", or fewer pixels than {pixels}" if pixels else ", or fewer tokens a text"
    mixed = "" if settings.precision == "bf16" else ", or precision = 'bf16'"
    return (
        f"out of memory at batch {settings.batch}: set batch = {half} and accumulate = "
        f"{settings.accumulate * 2} (the same steps with half the memory){smaller}{mixed}"
    )


def no_number(settings: TrainingSettings) -> str:
    """Return what to change when the loss is not a number: only what is not set so already."""
    advice = f"lower learning_rate (now {settings.learning_rate:g})"
    if settings.clip is None:
        advice += ", or set clip = 1.0"
    return advice + (", or precision = 'float32'" if settings.precision != "float32" else "")


def is_memory(error: RuntimeError) -> bool:
    """Tell a failed allocation (CUDA has its own class, the CPU has not) from any other error."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return any(word in str(error) for word in words)
