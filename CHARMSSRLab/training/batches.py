"""The batches of a run: which samples each process sees, and how they are loaded."""

from dataclasses import fields

import torch
from torch.utils.data import DataLoader, Subset

from .dataset import Augmentation, PatchDataset


def batches_of(config, volumes, first_step, rank, world):
    """The loader of one process's batches from a step to the end of the run.

    Args:
        config: TrainingConfig.
        volumes: list of PreparedVolume.
        first_step: steps that are done already.
        rank: number of the process.
        world: how many there are.
    """
    data = PatchDataset(
        volumes, config.steps * config.batch, config.patch, config.scale, config.degradation, config.normalisation,
        augmentation_of(config), config.seed, config.arguments.get("in_channels", 1),
    )  # fmt: skip
    return DataLoader(
        Subset(data, _SampleNumbers(config, first_step, rank, world)), batch_size=config.batch // world,
        num_workers=config.workers, pin_memory=torch.cuda.is_available(), persistent_workers=False,
        prefetch_factor=4 if config.workers else None,
    )  # fmt: skip


def augmentation_of(config):
    """The Augmentation of a TrainingConfig; fields of the same name, but for the gain's."""
    shared = {one.name: getattr(config, one.name) for one in fields(Augmentation) if one.name != "gain"}
    return Augmentation(gain=config.gain_jitter, **shared)


class _SampleNumbers:
    """The numbers of one process's samples, from a step to the end; a list of millions would burden every worker."""

    def __init__(self, config, first_step, rank, world):
        self.batch, self.share = config.batch, config.batch // world
        self.first = first_step * self.batch + rank * self.share
        self.length = (config.steps - first_step) * self.share

    def __len__(self):
        return self.length

    def __getitem__(self, i):
        return self.first + i // self.share * self.batch + i % self.share
