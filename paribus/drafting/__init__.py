"""A first study for a folder of images: what lies there, what is worth asking, and what fits the time."""

from paribus.drafting.seeing import Seen, seen_at
from paribus.drafting.whole import Draft, draft

__all__ = ["Draft", "Seen", "draft", "seen_at"]
