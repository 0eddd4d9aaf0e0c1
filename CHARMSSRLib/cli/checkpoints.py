"""``charmssr checkpoints``: which models there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .command import new_command

if TYPE_CHECKING:
    import argparse


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "checkpoints",
        run,
        help="list the checkpoints",
        description="List every checkpoint that is present, each with one line from its model card.",
    )
    parser.add_argument("--json", action="store_true", help="print the whole cards as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Run the subcommand."""
    from ..checkpoints.registry import available_checkpoints, user_checkpoint_folder
    from ..settings import DEFAULT_CHECKPOINT

    cards = {name: _card_or_fault(name) for name in available_checkpoints()}
    if arguments.json:
        print(json.dumps(cards, indent=2))
        return
    if not cards:
        print("No checkpoint is installed.")
    width = max(map(len, cards), default=0)
    for name, card in cards.items():
        mark = "*" if name == DEFAULT_CHECKPOINT else " "
        print(f"{mark} {name:{width}}  {card.get('summary', '')}".rstrip())
    if DEFAULT_CHECKPOINT in cards:
        print("\n* used unless another is chosen")
    print(f"Your own checkpoints are looked for in {user_checkpoint_folder()}")


def _card_or_fault(name):
    """A card, or in its place why it cannot be used: one that is damaged hides no other."""
    from ..checkpoints.registry import read_card
    from ..errors import CheckpointError

    try:
        return read_card(name)
    except CheckpointError as error:
        return {"name": name, "summary": str(error), "unreadable": True}
