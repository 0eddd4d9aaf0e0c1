"""What a run starts from: the weights of a checkpoint, as far as they fit."""

import torch

from CHARMSSRLib.errors import SettingsError


def load_initial(network, name):
    """Start from a checkpoint; tensors of another shape (another scale's upsampler) keep their own start.

    Args:
        network: whose weights are replaced.
        name: of the checkpoint, or the path of its weights.

    Raises:
        SettingsError: no tensor fits.
    """
    from CHARMSSRLib.checkpoints.loading import load_checkpoint

    own = network.state_dict()
    given = load_checkpoint(name).network.state_dict()
    _widen_head(given, own)
    fitting = {k: v for k, v in given.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise SettingsError(f"The checkpoint {name} shares no tensor with this network.")
    network.load_state_dict(fitting, strict=False)


def _widen_head(given, own):
    """A 2.5-D network starts as the function of its middle slice alone that the given one is."""
    head, wanted = given.get("head.weight"), own.get("head.weight")
    if head is not None and wanted is not None and head.shape[1] == 1 < wanted.shape[1]:
        wide = torch.zeros_like(wanted)
        wide[:, wanted.shape[1] // 2] = head[:, 0]
        given["head.weight"] = wide
