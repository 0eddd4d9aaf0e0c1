"""What a checkpoint's card says about its network; the same arguments, defaults and limits as ``CHARMS``."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..errors import CheckpointError


@dataclass(frozen=True)
class Architecture:
    """The constructor's arguments of ``network.charms.CHARMS``, which explains them; free of torch."""

    scale: int = 2
    channel_shuffle: bool = True
    pixel_channel_attention: bool = True
    transformer: bool = True
    refinement: bool = True
    in_channels: int = 1
    blocks: int = 4
    units: int = 4
    transformers: int = 1

    @classmethod
    def of_card(cls, card: dict) -> Architecture:
        """That of a model card.

        Raises:
            CheckpointError: this version cannot build it.
        """
        described = card["architecture"]
        strange = sorted(set(described) - {field.name for field in fields(cls)})
        if strange:
            raise CheckpointError(_unknown(card, f"it has the unknown part {strange[0]!r}"))
        for field in fields(cls):
            value = described.get(field.name, field.default)
            if type(value) is not type(field.default):
                kind = "true or false" if isinstance(field.default, bool) else "a whole number"
                raise CheckpointError(_unknown(card, f"{field.name} must be {kind}, not {value!r}"))
        one = cls(**described)
        if one.scale not in (2, 4):
            raise CheckpointError(_unknown(card, f"scale must be 2 or 4, not {one.scale!r}"))
        if one.in_channels < 1 or one.in_channels % 2 == 0:
            raise CheckpointError(_unknown(card, f"in_channels must be odd, not {one.in_channels!r}"))
        if min(one.blocks, one.units) < 1 or one.transformers < 0:
            raise CheckpointError(_unknown(card, "blocks and units must be at least 1, transformers at least 0"))
        return one

    @property
    def transformer_count(self) -> int:
        return self.transformers if self.transformer else 0

    @property
    def doublings(self) -> int:
        """Stages of the upsampler."""
        return self.scale.bit_length() - 1


def _unknown(card, why):
    return f"The card of {card.get('name')!r} describes a network that this version cannot build: {why}."
